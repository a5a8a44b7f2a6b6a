#include "persist/aof_format.h"

#include "src/base/hash.h"
#include "src/base/mem.h"
#include "src/base/num.h"

#define FILE_LINE_PREFIX "#SKUA:F "
#define OUR_PREFIX       "#SKUA:"
#define TIMESTAMP_PREFIX "#TS:"

static const char multi[] = "*1\r\n$5\r\nmulti\r\n", exec[] = "*1\r\n$4\r\nexec\r\n";

enum {
    SUM_DIGITS = 16,
    CHECK_DIGITS = 8,
    COUNT_DIGITS_MAX = 18, /* what fits an int64_t, whatever the digits */
    ARGS_FIRST = 16,
};

static char *put_text(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

static char *put_number(char *p, uint64_t v)
{
    p += num_u64(p, v);
    *p++ = ' ';
    return p;
}

static char *put_hex(char *p, uint64_t v, int digits)
{
    for (int i = digits; i-- > 0; v >>= 4)
        p[i] = "0123456789abcdef"[v & 15];
    p[digits] = ' ';
    return p + digits + 1;
}

/* Ends the line at line, of which all up to p is written, with its check. */
static size_t put_check(char *line, char *p)
{
    p = put_hex(p, hash_bytes(line, (size_t)(p - line), 0), CHECK_DIGITS) - 1;
    return (size_t)(put_text(p, "\r\n") - line);
}

size_t aof_write_file_line(char *dst, const struct aof_file_line *line)
{
    char *p = put_text(dst, FILE_LINE_PREFIX);
    p = put_number(p, line->version);
    p = put_hex(p, line->hash_seed, SUM_DIGITS);
    p = put_number(p, line->start);
    return put_check(dst, p);
}

size_t aof_write_header(char *dst, const struct aof_header *header)
{
    char *p = put_text(dst, AOF_HEADER_PREFIX);
    p = put_number(p, header->sequence);
    p = put_number(p, header->shard);
    p = put_number(p, header->length);
    p = put_number(p, header->synced);
    p = put_hex(p, header->sum, SUM_DIGITS);
    return put_check(dst, p);
}

size_t aof_write_timestamp(char *dst, int64_t unix_seconds)
{
    char *p = put_text(dst, TIMESTAMP_PREFIX);
    p += num_i64(p, unix_seconds);
    return (size_t)(put_text(p, "\r\n") - dst);
}

size_t aof_write_batch(char *dst, struct slice effects, bool transaction)
{
    char *p = transaction ? put_text(dst, multi) : dst;
    memcpy(p, effects.ptr, effects.len);
    p += effects.len;
    p = transaction ? put_text(p, exec) : p;
    return (size_t)(p - dst);
}

uint64_t aof_batch_sum(struct slice batch) { return hash_bytes(batch.ptr, batch.len, 0); }

static enum aof_item_kind garbage(struct aof_item *item, const char *why)
{
    *item = (struct aof_item){.why = why};
    return AOF_GARBAGE;
}

static enum aof_item_kind short_of(struct aof_item *item, size_t need)
{
    item->len = need;
    return AOF_SHORT;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* How many digits s begins with. */
static size_t digits_of(struct slice s)
{
    size_t n = 0;
    while (n < s.len && is_digit(s.ptr[n]))
        n++;
    return n;
}

/* read_count for what nearly all are: up to four digits, and enough behind them to look at without asking how much
 * there is. Returns the length, or 0 if it is something else. */
static inline size_t read_short_count(struct slice window, size_t pos, char prefix, size_t *count)
{
    enum { LOOKED_AT = 1 + 4 + 2 };
    const char *p = window.ptr + pos;
    if (window.len - pos < LOOKED_AT || p[0] != prefix || !is_digit(p[1]))
        return 0;
    size_t value = (size_t)(p[1] - '0'), n = 2;
    for (; n < LOOKED_AT - 2 && is_digit(p[n]); n++)
        value = value * 10 + (size_t)(p[n] - '0');
    *count = value;
    return p[n] == '\r' && p[n + 1] == '\n' ? n + 2 : 0;
}

/* "*N\r\n" or "$N\r\n" at window.ptr[*pos]: moves *pos behind it and returns AOF_COMMAND. Zeros before N are taken, as
 * Redis takes them: see aof_mend_torn. */
static enum aof_item_kind read_long_count(struct slice window, size_t *pos, char prefix, size_t *count,
                                          struct aof_item *item)
{
    size_t at = *pos;
    if (at == window.len)
        return short_of(item, at + 1);
    if (window.ptr[at++] != prefix)
        return garbage(item, prefix == '$' ? "no '$' where an argument begins" : "neither a command nor an annotation");
    size_t digits = digits_of(slice_of(window.ptr + at, window.len - at)), value = 0;
    if (digits > COUNT_DIGITS_MAX)
        return garbage(item, "a count or a length of too many digits");
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (size_t)(window.ptr[at + i] - '0');
    at += digits;
    size_t ends = window.len - at < 2 ? window.len - at : 2;
    if (memcmp(window.ptr + at, "\r\n", ends) != 0 || (digits == 0 && ends > 0))
        return garbage(item, "a count or a length that is no number");
    if (ends < 2)
        return short_of(item, at + 2);
    *count = value;
    *pos = at + 2;
    return AOF_COMMAND;
}

static inline enum aof_item_kind read_count(struct slice window, size_t *pos, char prefix, size_t *count,
                                            struct aof_item *item)
{
    size_t len = read_short_count(window, *pos, prefix, count);
    *pos += len;
    return len > 0 ? AOF_COMMAND : read_long_count(window, pos, prefix, count, item);
}

static void grow(struct arg_arena *args)
{
    args->cap = args->cap ? args->cap * 2 : ARGS_FIRST;
    args->v = mem_realloc(NULL, args->v, args->cap * sizeof *args->v);
}

static inline void push(struct arg_arena *args, struct slice arg)
{
    if (args->n == args->cap)
        grow(args);
    args->v[args->n++] = arg;
}

static enum aof_item_kind read_arguments(struct slice window, struct arg_arena *args, struct aof_item *item)
{
    size_t pos = 0, argc, len;
    enum aof_item_kind kind = read_count(window, &pos, '*', &argc, item);
    if (kind != AOF_COMMAND)
        return kind;
    if (argc == 0 || argc > INT32_MAX)
        return garbage(item, "a command of no arguments, or of more than Redis takes");
    for (; argc > 0; argc--) {
        kind = read_count(window, &pos, '$', &len, item);
        if (kind != AOF_COMMAND)
            return kind;
        if (window.len - pos < len + 2)
            return short_of(item, pos + len + 2);
        if (memcmp(window.ptr + pos + len, "\r\n", 2) != 0)
            return garbage(item, "an argument that does not end where its length says");
        push(args, slice_of(window.ptr + pos, len));
        pos += len + 2;
    }
    item->len = pos;
    return AOF_COMMAND;
}

static inline bool begins_with(struct slice s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.ptr, prefix, n) == 0;
}

/* Each takes what a field of one of our lines may be, and the space behind it; returns where the next one begins, or
 * NULL. Lines end in CRLF, so there is always a byte to look at. */

static const char *take_number(const char *p, uint64_t *v)
{
    uint64_t sum = 0, digit;
    const char *first = p;
    for (; (digit = (uint64_t)(unsigned char)*p - '0') <= 9; p++) {
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return NULL;
    }
    *v = sum;
    return p > first && (*first != '0' || p == first + 1) && *p == ' ' ? p + 1 : NULL;
}

static const char *take_u32(const char *p, uint32_t *v)
{
    uint64_t wide = 0;
    p = take_number(p, &wide);
    *v = (uint32_t)wide;
    return p && wide <= UINT32_MAX ? p : NULL;
}

static const char *take_hex(const char *p, int digits, uint64_t *v)
{
    static const uint8_t values[256] = {
        ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    }; /* plus one: the others are 0 */
    for (*v = 0; digits > 0; digits--, p++) {
        uint64_t value = values[(uint8_t)*p];
        if (value == 0)
            return NULL;
        *v = *v << 4 | (value - 1);
    }
    return *p == ' ' ? p + 1 : NULL;
}

static const char *take_header(const char *p, struct aof_header *h)
{
    return (p = take_number(p, &h->sequence)) && (p = take_u32(p, &h->shard)) && (p = take_number(p, &h->length)) &&
                   (p = take_number(p, &h->synced))
               ? take_hex(p, SUM_DIGITS, &h->sum)
               : NULL;
}

static const char *take_file_line(const char *p, struct aof_file_line *f)
{
    return (p = take_u32(p, &f->version)) && (p = take_hex(p, SUM_DIGITS, &f->hash_seed)) ? take_number(p, &f->start)
                                                                                          : NULL;
}

/* Whether the fields of line, which end at p, are all there is before its check, and the check is right. */
static bool is_whole(struct slice line, const char *p)
{
    char check[CHECK_DIGITS + 1];
    if (!p || (size_t)(line.ptr + line.len - p) != CHECK_DIGITS + 2)
        return false;
    put_hex(check, hash_bytes(line.ptr, (size_t)(p - line.ptr), 0), CHECK_DIGITS);
    return memcmp(p, check, CHECK_DIGITS) == 0 && memcmp(p + CHECK_DIGITS, "\r\n", 2) == 0;
}

/* A line with our prefix. False: it is damaged, or torn. */
static bool read_our_line(struct slice line, enum aof_item_kind *kind, struct aof_item *item)
{
    *item = (struct aof_item){.len = line.len};
    if (begins_with(line, AOF_HEADER_PREFIX)) {
        *kind = AOF_HEADER;
        return is_whole(line, take_header(line.ptr + strlen(AOF_HEADER_PREFIX), &item->header));
    }
    *kind = AOF_FILE_LINE;
    return begins_with(line, FILE_LINE_PREFIX) &&
           is_whole(line, take_file_line(line.ptr + strlen(FILE_LINE_PREFIX), &item->file_line));
}

/* The line's end as Redis 7 writes a timestamp, from at on. */
static bool timestamp_at(struct slice line, size_t at, int64_t *seconds)
{
    struct slice rest = slice_of(line.ptr + at, line.len - at);
    size_t prefix = strlen(TIMESTAMP_PREFIX);
    return begins_with(rest, TIMESTAMP_PREFIX) && rest.len > prefix + 2 && rest.ptr[rest.len - 2] == '\r' &&
           num_parse_i64(slice_of(rest.ptr + prefix, rest.len - prefix - 2), seconds);
}

/* Where in line, an annotation, the first line of a command begins that was appended to it, if its end is one; else 0.
 */
static size_t glued_command(struct slice line)
{
    if (line.len < 5 || line.ptr[line.len - 2] != '\r')
        return 0;
    size_t at = line.len - 2;
    while (at > 0 && is_digit(line.ptr[at - 1]))
        at--;
    return at > 1 && at < line.len - 2 && line.ptr[at - 1] == '*' ? at - 1 : 0;
}

/* Where in line a timestamp begins that was appended to a torn annotation; else 0. */
static size_t glued_timestamp(struct slice line)
{
    int64_t seconds;
    size_t at = line.len;
    while (--at > 0) {
        if (line.ptr[at] == '#')
            return timestamp_at(line, at, &seconds) ? at : 0;
    }
    return 0;
}

static enum aof_item_kind read_annotation(struct slice window, bool at_end, struct aof_item *item)
{
    size_t max = window.len < AOF_ANNOTATION_BYTES_MAX ? window.len : AOF_ANNOTATION_BYTES_MAX;
    const char *end = memchr(window.ptr, '\n', max);
    if (!end)
        return max < AOF_ANNOTATION_BYTES_MAX ? short_of(item, window.len + 1)
                                              : garbage(item, "an annotation of more than 1,023 bytes");
    struct slice line = slice_of(window.ptr, (size_t)(end - window.ptr) + 1);
    bool ours = begins_with(line, OUR_PREFIX);
    enum aof_item_kind kind;
    if (ours && read_our_line(line, &kind, item))
        return kind;
    size_t torn = glued_command(line);
    if (torn > 0 && line.len == window.len && !at_end)
        return short_of(item, line.len + 1);
    /* An argument can stand there only if the command's first line is the end of this one. */
    if (torn > 0 && (line.len == window.len || window.ptr[line.len] != '$'))
        torn = 0;
    /* No line of ours has anything but its end behind a carriage return, so this one is damaged. */
    if (torn > 1 && ours && memchr(line.ptr, '\r', torn - 1))
        torn = 0;
    if (torn == 0)
        torn = glued_timestamp(line);
    if (torn > 0) {
        *item = (struct aof_item){.len = torn};
        return AOF_TORN;
    }
    if (ours)
        return garbage(item, "a damaged annotation line");
    if (memchr(line.ptr, '\0', line.len)) /* what a crash did not write: the line may have ended before it */
        return garbage(item, "bytes of zero in an annotation");
    *item = (struct aof_item){.len = line.len};
    return timestamp_at(line, 0, &item->unix_seconds) ? AOF_TIMESTAMP : AOF_FOREIGN;
}

enum aof_item_kind aof_next(struct slice window, bool at_end, struct arg_arena *args, struct aof_item *item)
{
    uint32_t n = args->n;
    if (*window.ptr == '#')
        return read_annotation(window, at_end, item);
    if (*window.ptr == '\0')
        return garbage(item, "bytes of zero");
    enum aof_item_kind kind = read_arguments(window, args, item);
    if (kind != AOF_COMMAND)
        args->n = n;
    return kind;
}

/* aof_next for one command, of which only the name counts; args is left as it was. */
static enum aof_item_kind next_name(struct slice window, bool at_end, struct arg_arena *args, struct aof_item *item,
                                    struct slice *name)
{
    uint32_t n = args->n;
    enum aof_item_kind kind = aof_next(window, at_end, args, item);
    if (kind == AOF_COMMAND)
        *name = args->v[n];
    args->n = n;
    return kind;
}

const char *aof_batch_fault(const struct aof_header *header, struct slice rest, struct arg_arena *args)
{
    if (rest.len < header->length)
        return "the file ends inside the batch";
    struct slice batch = slice_of(rest.ptr, header->length), name;
    struct aof_item item;
    if (aof_batch_sum(batch) != header->sum)
        return "the checksum is wrong";
    for (int i = 0; i < 2 && batch.len > 0; i++) {
        if (next_name(batch, true, args, &item, &name) != AOF_COMMAND)
            break;
        if (slice_is(name, "select"))
            return NULL;
        if (!slice_is(name, "multi"))
            break;
        batch = slice_of(batch.ptr + item.len, batch.len - item.len);
    }
    return "the batch does not begin with SELECT";
}

enum aof_continued aof_redis_continued(const struct aof_header *header, struct slice rest, bool at_end,
                                       struct arg_arena *args, size_t *offset)
{
    bool transaction = begins_with(rest, multi);
    /* Where Redis would have begun if a SELECT comes next: timestamp and MULTI stand before it. */
    for (size_t at = 0, begin = 0; begin < header->length;) {
        struct slice window = slice_of(rest.ptr + at, rest.len - at), name = {0};
        struct aof_item item = {.len = 1};
        enum aof_item_kind kind = window.len > 0 ? next_name(window, at_end, args, &item, &name) : AOF_SHORT;
        switch (kind) {
        case AOF_SHORT:
            *offset = at + item.len;
            return at_end ? AOF_NOT_CONTINUED : AOF_CONTINUED_SHORT;
        case AOF_COMMAND:
            if (slice_eq(name, slice_str("SELECT"))) {
                *offset = transaction ? begin : 0;
                return AOF_CONTINUED;
            }
            at += item.len;
            begin = slice_eq(name, slice_str("MULTI")) ? begin : at;
            break;
        case AOF_TIMESTAMP:
        case AOF_FOREIGN:
        case AOF_TORN:
            at += item.len;
            break;
        default:
            return AOF_NOT_CONTINUED;
        }
    }
    return AOF_NOT_CONTINUED;
}

void aof_mend_torn(char *piece, size_t len)
{
    if (piece[len] != '*')
        return; /* a timestamp: all of it is one annotation, as it should be */
    if (len == 1) {
        memcpy(piece, "*0", 2);
        return;
    }
    memset(piece + 1, '-', len - 2);
    piece[len - 1] = '\n';
}
