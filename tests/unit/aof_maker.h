/* Makes append-only files for tests: of batches, lines and commands, one by one or from a line of letters, and changes
 * them as crashes and faults do. Each SET has a number, which is its key. */
#ifndef SKUA_TESTS_UNIT_AOF_MAKER_H
#define SKUA_TESTS_UNIT_AOF_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MADE_PARTS_MAX = 4,
    MADE_PART_BYTES_MAX = 2 * 1024 * 1024,
    MADE_LARGE_BYTES = 600 * 1024, /* of a value that fits no window */
};

struct made_part {
    char *bytes;
    size_t len;
};

/* The files. Zeroed memory has none; used again for the next ones. */
struct made {
    struct made_part parts[MADE_PARTS_MAX]; /* the bytes are owned */
    uint32_t nparts;
    bool first_is_base;
};

struct aof_maker {
    struct made *made;
    struct made_part *part;                     /* the last one */
    size_t item, first_command_end, header_end; /* in it, of the last item */
    uint32_t number;                            /* of the next SET */
    uint64_t sequence, start;                   /* of the last batch; of the part in the stream */
    uint32_t mark_part;                         /* where the letters have a ^ */
    size_t mark;
};

/* Makes what the letters say: put_item and change have the list. Besides, | ends a part, B before all makes the first
 * part a base, ^ marks the place up to which all is good, + leaves a sequence number out, ~ uses the last one again. */
void aof_maker_make(struct aof_maker *m, struct made *made, const char *letters);
void made_free(struct made *made);

/* One by one. */
void aof_maker_begin(struct aof_maker *m, struct made *made);
void aof_maker_new_part(struct aof_maker *m);
void aof_maker_put_file_line(struct aof_maker *m, uint32_t version, uint64_t start);
/* knows: its header knows all before it to be on disk. */
void aof_maker_put_batch(struct aof_maker *m, unsigned commands, bool transaction, bool knows, uint32_t db,
                         size_t value_len);
void aof_maker_put_text(struct made_part *part, const char *text);
void aof_maker_put_set(struct made_part *part, uint32_t number, size_t value_len);

#endif
