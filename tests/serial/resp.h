/* The bytes that a client sends and gets (RESP2): commands are put together, and the end of a reply is found. Replies
 * are kept as they came, because the model answers in the same bytes. */
#ifndef SKUA_TESTS_SERIAL_RESP_H
#define SKUA_TESTS_SERIAL_RESP_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/slice.h"

/* Bytes that grow; owned by whoever holds the struct. Zeroed memory is empty. */
struct bytes {
    char *ptr;
    size_t len, cap;
};

void bytes_put(struct bytes *b, const void *ptr, size_t len);
/* Makes sure that room bytes can be written at ptr + len. */
void bytes_reserve(struct bytes *b, size_t room);
/* Drops the first n bytes. */
void bytes_drop(struct bytes *b, size_t n);
void bytes_free(struct bytes *b);

void resp_put_command(struct bytes *b, uint32_t argc, const struct slice *argv);
/* The same from a text of words separated by single blanks. */
void resp_put_text(struct bytes *b, const char *text);

/* Takes the command apart that bytes begin with, of at most max arguments, which it is known to do; what is left behind
 * it is returned. The arguments are slices into bytes. */
struct slice resp_take_command(struct slice bytes, uint32_t max, uint32_t *argc, struct slice *argv);

/* The length of the reply that data begins with, in bytes; 0 if it is not all there, -1 if it is not a reply. */
ptrdiff_t resp_reply_len(const char *data, size_t len);

#endif
