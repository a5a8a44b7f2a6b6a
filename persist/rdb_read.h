/* Reads what RDB files and DUMP payloads are made of (rdb_format.h): bytes, numbers, lengths, strings. The bytes lie in
 * memory, perhaps not all of them yet: whoever reads on past their end is told how many it takes, and begins anew once
 * they are there.
 *
 * All that reads returns false (or NULL) if it could not: either error_at is set, and error says what is wrong there,
 * or need has grown. Memory grows with what has arrived and never with what a length announces. */
#ifndef SKUA_PERSIST_RDB_READ_H
#define SKUA_PERSIST_RDB_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"

/* Memory for a string that does not stand in the input as it is. Zeroed at first. */
struct rdb_buffer {
    char *ptr;
    size_t cap;
};

void rdb_buffer_reserve(struct rdb_buffer *b, size_t cap);
void rdb_buffer_free(struct rdb_buffer *b);

/* Owner: who reads; one thread at a time. The bytes are borrowed. */
struct rdb_read {
    const char *start, *at, *end; /* the first byte, what is next, what there is */
    size_t need;                  /* bytes from start without which it can't be read further */
    const char *error_at;         /* NULL: nothing is wrong */
    char error[440];
};

/* From the first byte of in on. */
void rdb_read_begin(struct rdb_read *r, struct slice in);

/* Notes what is wrong, at a byte of the input; false. */
__attribute__((format(printf, 3, 4))) bool rdb_read_fail(struct rdb_read *r, const char *at, const char *format, ...);

/* The next n bytes, or NULL. */
const char *rdb_read_bytes(struct rdb_read *r, uint64_t n);
bool rdb_read_byte(struct rdb_read *r, uint8_t *v);
bool rdb_read_little_endian(struct rdb_read *r, size_t bytes, uint64_t *v);
bool rdb_read_length(struct rdb_read *r, uint64_t *v);

/* A string, as an integer if it stands there so; unpacked is used if it is compressed. The slice is good as long as
 * input and buffer are. */
bool rdb_read_value(struct rdb_read *r, struct rdb_buffer *unpacked, bool *is_integer, int64_t *integer,
                    struct slice *bytes);
/* A string as its bytes, also if an integer stands there. */
bool rdb_read_text(struct rdb_read *r, struct rdb_buffer *unpacked, struct slice *out);
/* Passes over a string, without a look at what it is made of. */
bool rdb_read_skip_string(struct rdb_read *r);

#endif
