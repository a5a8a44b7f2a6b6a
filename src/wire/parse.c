#include "src/wire/parse.h"

#include <limits.h>
#include <stdio.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/base/split.h"

enum {
    BULK_BYTES_MIN = 6,              /* "$0\r\n\r\n" */
    DIRECT_BYTES_FIRST = 256 * 1024, /* what a blob is made with before it has proved that its bytes do come */
    PARTS_FIRST = 16,
    ARGS_FIRST = 64,
};

/* What a step of the slow path says if it is not an enum parse_status to return: all well, take the next step. */
enum { STEP_DONE = -1 };

static void arena_reserve(struct arg_arena *args, size_t n)
{
    if (args->cap - args->n >= n)
        return;
    size_t cap = args->cap ? args->cap : ARGS_FIRST;
    while (cap - args->n < n)
        cap *= 2;
    args->v = mem_realloc(NULL, args->v, cap * sizeof *args->v);
    args->cap = (uint32_t)cap;
}

static void arena_push(struct arg_arena *args, struct slice arg)
{
    arena_reserve(args, 1);
    args->v[args->n++] = arg;
}

static void blobs_push(struct arg_blobs *blobs, uint32_t arg, struct blob *blob)
{
    if (blobs->n == blobs->cap) {
        blobs->cap = blobs->cap ? blobs->cap * 2 : 4;
        blobs->v = mem_realloc(NULL, blobs->v, blobs->cap * sizeof *blobs->v);
    }
    blobs->v[blobs->n++] = (struct arg_blob){arg, blob};
}

static void parts_push(struct parser *p, struct parse_part part)
{
    if (p->nparts == p->parts_cap) {
        p->parts_cap = p->parts_cap ? p->parts_cap * 2 : PARTS_FIRST;
        p->parts = mem_realloc(NULL, p->parts, p->parts_cap * sizeof *p->parts);
    }
    p->parts[p->nparts++] = part;
}

static enum parse_status fail(struct parse_result *result, const char *what)
{
    snprintf(result->error, sizeof result->error, "Protocol error: %s", what);
    return PARSE_ERROR;
}

/* Fast path: a command that lies in the input as a whole, with nothing unusual about it. */

/* Reads the digits of a count or length and its line end; returns the byte behind it, or NULL for anything that needs
 * a closer look: not all there, more than 8 digits, a leading zero, no digit. Like Redis, does not look at the \n. */
static inline const char *read_length(const char *s, const char *end, uint32_t *value)
{
    if (end - s < 3)
        return NULL;
    uint32_t v = (unsigned char)s[0] - (uint32_t)'0';
    if (v > 9)
        return NULL;
    if (s[1] == '\r') {
        *value = v;
        return s + 3;
    }
    if (v == 0)
        return NULL;
    uint32_t second = (unsigned char)s[1] - (uint32_t)'0';
    if (second <= 9 && end - s > 3 && s[2] == '\r') {
        *value = v * 10 + second;
        return s + 4;
    }
    const char *stop = end - s > 10 ? s + 9 : end - 1;
    for (s++; s < stop; s++) {
        uint32_t digit = (unsigned char)*s - (uint32_t)'0';
        if (digit > 9) {
            *value = v;
            return *s == '\r' ? s + 2 : NULL;
        }
        v = v * 10 + digit;
    }
    return NULL;
}

/* Keeps what the fast path has read of a command that turned out not to be complete, or not simple: args are the
 * bulks before s, and the slow path goes on at s. */
static void keep_parts(struct parser *p, const char *base, const char *s, const struct slice *args, uint32_t n,
                       uint32_t argc)
{
    for (uint32_t i = 0; i < n; i++)
        parts_push(p, (struct parse_part){(size_t)(args[i].ptr - base), args[i].len, NULL});
    p->pos = p->line_pos = (size_t)(s - base);
    p->args_left = argc - n;
}

/* Whether a whole command was parsed. If not, the parser is where the slow path goes on. */
static bool parse_whole(struct parser *p, struct slice in, const struct parse_limits *limits, struct arg_arena *args,
                        struct parse_result *result)
{
    const char *end = in.ptr + in.len;
    uint32_t argc;
    const char *s = read_length(in.ptr + 1, end, &argc);
    if (!s || argc == 0 || (argc > PARSE_UNAUTH_ARGS_MAX && !limits->authenticated))
        return false;
    if (args->cap - args->n < argc) {
        size_t possible = (size_t)(end - s) / BULK_BYTES_MIN + 1;
        arena_reserve(args, possible < argc ? possible : argc);
    }
    int64_t bulk_bytes_max = limits->bulk_bytes_max;
    if (!limits->authenticated && bulk_bytes_max > PARSE_UNAUTH_BULK_BYTES_MAX)
        bulk_bytes_max = PARSE_UNAUTH_BULK_BYTES_MAX;
    struct slice *v = args->v + args->n;
    for (uint32_t i = 0; i < argc; i++) {
        uint32_t len;
        const char *data = s < end && *s == '$' ? read_length(s + 1, end, &len) : NULL;
        if (!data || (size_t)(end - data) < (size_t)len + 2 || len > bulk_bytes_max) {
            keep_parts(p, in.ptr, s, v, i, argc);
            return false;
        }
        v[i] = slice_of(data, len);
        s = data + len + 2;
    }
    args->n += argc;
    result->argc = argc;
    result->consumed = (size_t)(s - in.ptr);
    return true;
}

/* Slow path: every step can stop for lack of bytes and is repeated when there are more. */

/* Looks for the byte that ends the line at p->pos. Redis searches with strchr, so a NUL hides all that follows it, and
 * the line counts as one that goes on for ever. Returns STEP_DONE with p->line_pos at the end, PARSE_MORE, or
 * PARSE_ERROR for a line that is too long. */
static int find_line_end(struct parser *p, struct slice in, char stop)
{
    size_t limit = p->pos + PARSE_LINE_BYTES_MAX + 1, i = p->line_pos;
    size_t end = in.len < limit ? in.len : limit;
    while (i < end && in.ptr[i] != stop && in.ptr[i] != '\0')
        i++;
    p->line_pos = i;
    if (i < end && in.ptr[i] == stop)
        return STEP_DONE;
    return in.len >= limit ? PARSE_ERROR : PARSE_MORE;
}

/* The same for a line of a multibulk request, whose two last bytes must both be there. */
static int find_header_end(struct parser *p, struct slice in, struct parse_result *result, const char *too_long)
{
    int step = find_line_end(p, in, '\r');
    if (step == PARSE_ERROR)
        return fail(result, too_long);
    return step == STEP_DONE && in.len - p->line_pos < 2 ? PARSE_MORE : step;
}

/* The number in the line that find_header_end found, behind its first byte; moves on to the next line. */
static bool take_number(struct parser *p, struct slice in, int64_t *v)
{
    struct slice digits = slice_of(in.ptr + p->pos + 1, p->line_pos - p->pos - 1);
    p->pos = p->line_pos = p->line_pos + 2;
    return num_parse_i64(digits, v);
}

/* "*count\r\n" */
static int read_count(struct parser *p, struct slice in, const struct parse_limits *limits, struct parse_result *result)
{
    int step = find_header_end(p, in, result, "too big mbulk count string");
    if (step != STEP_DONE)
        return step;
    int64_t count;
    if (!take_number(p, in, &count) || count > INT_MAX)
        return fail(result, "invalid multibulk length");
    if (count > PARSE_UNAUTH_ARGS_MAX && !limits->authenticated)
        return fail(result, "unauthenticated multibulk length");
    if (count > 0) {
        p->args_left = count;
        return STEP_DONE;
    }
    result->consumed = p->pos;
    p->pos = p->line_pos = 0;
    return PARSE_EMPTY;
}

/* "$length\r\n" */
static int read_bulk_length(struct parser *p, struct slice in, const struct parse_limits *limits,
                            struct parse_result *result)
{
    int step = find_header_end(p, in, result, "too big bulk count string");
    if (step != STEP_DONE)
        return step;
    char first = in.ptr[p->pos];
    if (first != '$') {
        char what[] = "expected '$', got '?'";
        what[sizeof what - 3] = first == '\r' || first == '\n' ? ' ' : first; /* the error must stay one line */
        return fail(result, what);
    }
    int64_t len;
    if (!take_number(p, in, &len) || len < 0 || len > limits->bulk_bytes_max)
        return fail(result, "invalid bulk length");
    if (len > PARSE_UNAUTH_BULK_BYTES_MAX && !limits->authenticated)
        return fail(result, "unauthenticated bulk length");
    p->bulk_len = len;
    p->in_bulk = true;
    return STEP_DONE;
}

/* Appends n bytes of the current bulk to its blob, which doubles with what has arrived. Unless the bulk is complete
 * then, there is room behind them. */
static void extend_direct(struct parser *p, const char *bytes, size_t n)
{
    size_t len = (size_t)p->bulk_len;
    struct blob *b = p->direct;
    if (!b || (b->cap - b->len <= n && b->cap < len)) {
        size_t cap = ((b ? b->len : 0) + n) * 2;
        cap = cap > DIRECT_BYTES_FIRST ? cap : DIRECT_BYTES_FIRST;
        cap = cap < len ? cap : len;
        p->direct = b = b ? blob_grow(b, cap) : blob_create(cap);
    }
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
}

/* The bytes of a bulk and the two behind it, which Redis does not look at. */
static int read_bulk(struct parser *p, struct slice in)
{
    size_t len = (size_t)p->bulk_len, there = in.len - p->pos;
    struct parse_part part = {p->pos, len, NULL};
    if (p->direct) {
        size_t missing = len - p->direct->len;
        if (there < missing)
            return PARSE_BULK;
        if (missing > 0)
            extend_direct(p, in.ptr + p->pos, missing);
        p->pos += missing;
        if (there - missing < 2)
            return PARSE_MORE;
        part.blob = p->direct;
        p->blob_bytes += p->direct->cap;
        p->direct = NULL;
    } else {
        if (there < len + 2)
            return there < len && len >= PARSE_DIRECT_BYTES_MIN ? PARSE_BULK : PARSE_MORE;
        p->pos += len;
    }
    parts_push(p, part);
    p->pos += 2;
    p->line_pos = p->pos;
    p->in_bulk = false;
    p->args_left--;
    return STEP_DONE;
}

/* Hands the collected parts out. The parser owns nothing afterwards, so that an idle connection costs nothing. */
static enum parse_status finish_parts(struct parser *p, struct slice in, struct arg_arena *args,
                                      struct arg_blobs *blobs, struct parse_result *result)
{
    arena_reserve(args, p->nparts);
    for (uint32_t i = 0; i < p->nparts; i++) {
        struct parse_part *part = &p->parts[i];
        if (part->blob)
            blobs_push(blobs, args->n, part->blob);
        arena_push(args, slice_of(part->blob ? part->blob->data : in.ptr + part->offset, part->len));
    }
    result->argc = p->nparts;
    result->consumed = p->pos;
    mem_free(NULL, p->parts);
    *p = (struct parser){0};
    return PARSE_COMMAND;
}

static enum parse_status parse_pieces(struct parser *p, struct slice in, const struct parse_limits *limits,
                                      struct arg_arena *args, struct arg_blobs *blobs, struct parse_result *result)
{
    if (p->args_left == 0) {
        int step = read_count(p, in, limits, result);
        if (step != STEP_DONE)
            return (enum parse_status)step;
    }
    while (p->args_left > 0) {
        int step = p->in_bulk ? STEP_DONE : read_bulk_length(p, in, limits, result);
        if (step == STEP_DONE)
            step = read_bulk(p, in);
        if (step != STEP_DONE)
            return (enum parse_status)step;
    }
    return finish_parts(p, in, args, blobs, result);
}

/* A line of words. One with quotes is written out into a blob, since the input is not ours to change. */
static enum parse_status parse_inline(struct parser *p, struct slice in, struct arg_arena *args,
                                      struct arg_blobs *blobs, struct parse_result *result)
{
    int step = find_line_end(p, in, '\n');
    if (step == PARSE_ERROR)
        return fail(result, "too big inline request");
    if (step == PARSE_MORE)
        return PARSE_MORE;
    size_t len = p->line_pos, pos = 0;
    result->consumed = len + 1;
    p->line_pos = 0;
    if (len > 0 && in.ptr[len - 1] == '\r')
        len--;
    struct slice line = slice_of(in.ptr, len);
    struct split_word word;
    enum split_status status;
    uint32_t first = args->n;
    while ((status = split_next(line, &pos, &word)) == SPLIT_WORD) {
        if (word.quoted) {
            struct blob *blob = blob_create(word.raw.len);
            blob->len = split_unquote(word.raw, blob->data);
            blobs_push(blobs, args->n, blob);
            word.raw = slice_of(blob->data, blob->len);
        }
        arena_push(args, word.raw);
    }
    if (status == SPLIT_UNBALANCED) {
        while (blobs->n > 0 && blobs->v[blobs->n - 1].arg >= first)
            blob_release(blobs->v[--blobs->n].blob);
        args->n = first;
        return fail(result, "unbalanced quotes in request");
    }
    result->argc = args->n - first;
    return result->argc ? PARSE_COMMAND : PARSE_EMPTY;
}

enum parse_status parse_next(struct parser *p, struct slice in, const struct parse_limits *limits,
                             struct arg_arena *args, struct arg_blobs *blobs, struct parse_result *result)
{
    if (in.len == 0)
        return PARSE_MORE;
    if (p->args_left == 0) {
        if (in.ptr[0] != '*')
            return parse_inline(p, in, args, blobs, result);
        if (p->line_pos == 0 && parse_whole(p, in, limits, args, result))
            return PARSE_COMMAND;
    }
    return parse_pieces(p, in, limits, args, blobs, result);
}

size_t parse_take_bulk(struct parser *p, struct slice in, char **dst, size_t *consumed)
{
    ASSERT(p->in_bulk && p->pos <= in.len);
    *consumed = in.len - p->pos;
    ASSERT(*consumed + (p->direct ? p->direct->len : 0) < (size_t)p->bulk_len);
    extend_direct(p, in.ptr + p->pos, *consumed);
    *dst = p->direct->data + p->direct->len;
    return p->direct->cap - p->direct->len;
}

void parse_bulk_received(struct parser *p)
{
    ASSERT(p->direct);
    p->direct->len = p->direct->cap;
}

void parse_reset(struct parser *p)
{
    for (uint32_t i = 0; i < p->nparts; i++) {
        if (p->parts[i].blob)
            blob_release(p->parts[i].blob);
    }
    if (p->direct)
        blob_release(p->direct);
    mem_free(NULL, p->parts);
    *p = (struct parser){0};
}

size_t parse_memory(const struct parser *p)
{
    return p->parts_cap * sizeof *p->parts + p->blob_bytes + (p->direct ? p->direct->cap : 0);
}
