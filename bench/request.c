#include "bench/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char OK[] = "+OK\r\n";
enum { OK_BYTES = 5, NESTING_MAX = 4 };

/* xorshift64*: enough for a shuffle and a mix. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

void workload_init(struct workload *w, uint32_t first_key, bool shuffled)
{
    w->position = 0;
    w->random = 0x9E3779B97F4A7C15ULL;
    w->order = malloc(w->key_count * sizeof *w->order);
    w->filler = malloc(w->value_bytes + 2);
    if (!w->order || !w->filler)
        abort();
    for (uint32_t i = 0; i < w->key_count; i++)
        w->order[i] = first_key + i;
    for (uint32_t i = w->key_count; shuffled && i > 1; i--) {
        uint32_t j = (uint32_t)(next_random(&w->random) % i), swapped = w->order[i - 1];
        w->order[i - 1] = w->order[j];
        w->order[j] = swapped;
    }
    unsigned filler_bytes = w->value_bytes - REQUEST_KEY_BYTES;
    memset(w->filler, 'v', filler_bytes);
    memcpy(w->filler + filler_bytes, "\r\n", 2);
}

void workload_deinit(struct workload *w)
{
    free(w->order);
    free(w->filler);
}

size_t workload_request_bytes_max(const struct workload *w)
{
    return 64 + (size_t)w->keys_per_command * (64 + REQUEST_KEY_BYTES + w->value_bytes);
}

static char *put(char *to, const char *from, size_t bytes)
{
    memcpy(to, from, bytes);
    return to + bytes;
}

static char *put_key(char *to, uint32_t key)
{
    to = put(to, "key:0000", 8);
    for (int i = 7; i >= 0; i--, key /= 10)
        to[i] = (char)('0' + key % 10);
    return to + 8;
}

/* "$BYTES\r\n": the head of a value. */
static char *put_value_head(char *to, unsigned bytes)
{
    char digits[10];
    int n = 0;
    do
        digits[n++] = (char)('0' + bytes % 10);
    while (bytes /= 10);
    *to++ = '$';
    while (n)
        *to++ = digits[--n];
    return put(to, "\r\n", 2);
}

static char *put_pair(const struct workload *w, char *to, uint32_t key, bool with_value)
{
    const char *key_text = put(to, "$16\r\n", 5);
    to = put_key(to + 5, key);
    to = put(to, "\r\n", 2);
    if (with_value) {
        to = put_value_head(to, w->value_bytes);
        to = put(to, key_text, REQUEST_KEY_BYTES);
        to = put(to, w->filler, w->value_bytes - REQUEST_KEY_BYTES + 2);
    }
    return to;
}

static unsigned keys_of(const struct workload *w, enum request_kind kind)
{
    return kind == REQUEST_MGET || kind == REQUEST_MSET ? w->keys_per_command : 1;
}

static uint32_t key_at(const struct workload *w, uint32_t position)
{
    return w->order[position < w->key_count ? position : position - w->key_count];
}

size_t workload_next(struct workload *w, char *to, struct request *r)
{
    r->kind = w->kind;
    if (w->writes_percent && next_random(&w->random) % 100 < w->writes_percent)
        r->kind = REQUEST_SET;
    r->position = w->position;

    unsigned count = keys_of(w, r->kind);
    bool with_value = r->kind == REQUEST_SET || r->kind == REQUEST_MSET;
    char *at = to;
    switch (r->kind) {
    case REQUEST_GET:
        at = put(at, "*2\r\n$3\r\nGET\r\n", 13);
        break;
    case REQUEST_SET:
        at = put(at, "*3\r\n$3\r\nSET\r\n", 13);
        break;
    case REQUEST_MGET:
        at += sprintf(at, "*%u\r\n$4\r\nMGET\r\n", 1 + count);
        break;
    case REQUEST_MSET:
        at += sprintf(at, "*%u\r\n$4\r\nMSET\r\n", 1 + 2 * count);
        break;
    }
    for (unsigned i = 0; i < count; i++)
        at = put_pair(w, at, key_at(w, w->position + i), with_value);
    w->position += count;
    if (w->position >= w->key_count)
        w->position -= w->key_count;
    return (size_t)(at - to);
}

/* Any reply of RESP2: its bytes, REPLY_PARTIAL or REPLY_MALFORMED. */
static size_t resp_bytes(const char *p, size_t bytes, unsigned depth)
{
    const char *line_end = memchr(p, '\n', bytes);
    if (!line_end)
        return REPLY_PARTIAL;
    size_t head = (size_t)(line_end - p) + 1;
    switch (*p) {
    case '+':
    case '-':
    case ':':
        return head;
    case '$': {
        long length = strtol(p + 1, NULL, 10);
        size_t all = length < 0 ? head : head + (size_t)length + 2;
        return all <= bytes ? all : REPLY_PARTIAL;
    }
    case '*': {
        long count = strtol(p + 1, NULL, 10);
        if (depth == NESTING_MAX)
            return REPLY_MALFORMED;
        for (long i = 0; i < count; i++) {
            if (head == bytes)
                return REPLY_PARTIAL;
            size_t one = resp_bytes(p + head, bytes - head, depth + 1);
            if (one == REPLY_PARTIAL || one == REPLY_MALFORMED)
                return one;
            head += one;
        }
        return head;
    }
    default:
        return REPLY_MALFORMED;
    }
}

/* The bytes of the value that key must have at p, or 0. */
static size_t check_value(const struct workload *w, const char *p, size_t bytes, uint32_t key)
{
    char head[16], key_text[REQUEST_KEY_BYTES];
    size_t head_bytes = (size_t)(put_value_head(head, w->value_bytes) - head), all = head_bytes + w->value_bytes + 2;
    put_key(key_text, key);
    bool same = bytes >= all && memcmp(p, head, head_bytes) == 0 &&
                memcmp(p + head_bytes, key_text, sizeof key_text) == 0 && p[all - 2] == '\r' && p[all - 1] == '\n';
    return same ? all : 0;
}

/* The bytes of the reply that r should have, if that is what p begins with, or 0. */
static size_t expected_bytes(const struct workload *w, const struct request *r, const char *p, size_t bytes)
{
    if (r->kind == REQUEST_SET || r->kind == REQUEST_MSET)
        return bytes >= OK_BYTES && memcmp(p, OK, OK_BYTES) == 0 ? OK_BYTES : 0;
    if (r->kind == REQUEST_GET)
        return check_value(w, p, bytes, key_at(w, r->position));

    char head[16];
    size_t at = (size_t)sprintf(head, "*%u\r\n", w->keys_per_command);
    if (bytes < at || memcmp(p, head, at) != 0)
        return 0;
    for (unsigned i = 0; i < w->keys_per_command; i++) {
        size_t value = check_value(w, p + at, bytes - at, key_at(w, r->position + i));
        if (value == 0)
            return 0;
        at += value;
    }
    return at;
}

size_t workload_check(const struct workload *w, const struct request *r, const char *p, size_t bytes, bool *expected)
{
    size_t reply = expected_bytes(w, r, p, bytes);
    *expected = reply != 0;
    return reply ? reply : resp_bytes(p, bytes, 0);
}
