#include "tests/serial/resp.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

enum { LINE_BYTES_MAX = 64 * 1024, HEAD_BYTES_MAX = 32, WORDS_MAX = 64 };

void bytes_reserve(struct bytes *b, size_t room)
{
    if (b->cap - b->len >= room)
        return;
    b->cap = 2 * (b->len + room);
    b->ptr = mem_realloc(NULL, b->ptr, b->cap);
}

void bytes_put(struct bytes *b, const void *ptr, size_t len)
{
    if (len == 0)
        return;
    bytes_reserve(b, len);
    memcpy(b->ptr + b->len, ptr, len);
    b->len += len;
}

void bytes_drop(struct bytes *b, size_t n)
{
    b->len -= n;
    if (b->len)
        memmove(b->ptr, b->ptr + n, b->len);
}

void bytes_free(struct bytes *b)
{
    mem_free(NULL, b->ptr);
    *b = (struct bytes){0};
}

void resp_put_command(struct bytes *b, uint32_t argc, const struct slice *argv)
{
    char head[HEAD_BYTES_MAX];
    bytes_put(b, head, (size_t)snprintf(head, sizeof(head), "*%u\r\n", argc));
    for (uint32_t i = 0; i < argc; i++) {
        bytes_put(b, head, (size_t)snprintf(head, sizeof(head), "$%zu\r\n", argv[i].len));
        bytes_put(b, argv[i].ptr, argv[i].len);
        bytes_put(b, "\r\n", 2);
    }
}

void resp_put_text(struct bytes *b, const char *text)
{
    struct slice argv[WORDS_MAX];
    uint32_t argc = 0;
    for (const char *word = text;; word++) {
        size_t len = strcspn(word, " ");
        ASSERT(argc < WORDS_MAX);
        argv[argc++] = slice_of(word, len);
        word += len;
        if (!*word)
            break;
    }
    resp_put_command(b, argc, argv);
}

struct slice resp_take_command(struct slice bytes, uint32_t max, uint32_t *argc, struct slice *argv)
{
    char *p;
    ASSERT(bytes.len && bytes.ptr[0] == '*');
    *argc = (uint32_t)strtoul(bytes.ptr + 1, &p, 10);
    ASSERT(*argc >= 1 && *argc <= max);
    for (uint32_t i = 0; i < *argc; i++) {
        ASSERT(memcmp(p, "\r\n$", 3) == 0);
        size_t len = strtoul(p + 3, &p, 10);
        ASSERT(memcmp(p, "\r\n", 2) == 0);
        argv[i] = slice_of(p + 2, len);
        p += 2 + len;
    }
    ASSERT(memcmp(p, "\r\n", 2) == 0);
    size_t taken = (size_t)(p + 2 - bytes.ptr);
    ASSERT(taken <= bytes.len);
    return slice_of(bytes.ptr + taken, bytes.len - taken);
}

ptrdiff_t resp_reply_len(const char *data, size_t len)
{
    if (len == 0)
        return 0;
    if (!strchr("+-:$*", data[0]))
        return -1;
    const char *end = memchr(data, '\n', len);
    if (!end)
        return len > LINE_BYTES_MAX ? -1 : 0;
    size_t used = (size_t)(end - data) + 1;
    if (used < 3 || end[-1] != '\r')
        return -1;
    if (data[0] != '$' && data[0] != '*')
        return (ptrdiff_t)used;
    long n = strtol(data + 1, NULL, 10);
    if (n < 0)
        return (ptrdiff_t)used;
    if (data[0] == '$') {
        if (len - used < (size_t)n + 2)
            return 0;
        return memcmp(data + used + n, "\r\n", 2) == 0 ? (ptrdiff_t)(used + (size_t)n + 2) : -1;
    }
    for (; n > 0; n--) {
        ptrdiff_t element = resp_reply_len(data + used, len - used);
        if (element <= 0)
            return element;
        used += (size_t)element;
    }
    return (ptrdiff_t)used;
}
