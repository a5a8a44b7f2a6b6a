#include "persist/aof_damage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "persist/aof_format.h"
#include "persist/aof_window.h"
#include "src/base/mem.h"

enum { ZEROS_BYTES = 16 * 1024 }; /* that are read at once, backwards */

struct search {
    const struct aof_load_config *config;
    const struct aof_damage *damage;
    bool (*go_on)(void *arg);
    void *arg;
    char *text;
    uint32_t part; /* being searched */
    struct aof_window window;
    struct arg_arena args;
};

__attribute__((format(printf, 2, 3))) static enum aof_damage_verdict corruption(struct search *s, const char *format,
                                                                                ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->text, AOF_DAMAGE_TEXT_BYTES_MAX, format, args);
    va_end(args);
    return AOF_DAMAGE_CORRUPTION;
}

static const char *part_name(const struct search *s, uint32_t part) { return s->config->parts[part].name; }

static enum aof_damage_verdict unread(struct search *s, int error)
{
    return corruption(s, "Whether it is the end that a crash leaves is unknown, as %s can't be read: %s",
                      part_name(s, s->part), strerror(-error));
}

/* AOF_DAMAGE_TAIL: go on. */
static enum aof_damage_verdict more(struct search *s, uint64_t need)
{
    if (!s->go_on(s->arg))
        return AOF_DAMAGE_STOPPED;
    int r = aof_window_more(&s->window, need);
    return r < 0 ? unread(s, r) : AOF_DAMAGE_TAIL;
}

static enum aof_damage_verdict open_part(struct search *s, uint32_t part, uint64_t offset)
{
    s->part = part;
    int fd = s->config->open(s->config->arg, part);
    int r = fd < 0 ? fd : aof_window_open(&s->window, fd, offset);
    return r < 0 ? unread(s, r) : more(s, AOF_LINE_BYTES_MAX);
}

/* A header in what is not known to be in order may be a part of somebody's value. One that could not stand there counts
 * for nothing. */
static bool knows(const struct search *s, const struct aof_header *header, uint64_t start)
{
    return header->sequence > s->damage->sequence && header->synced <= start + s->window.offset &&
           header->synced >= s->damage->end;
}

/* Looks at what begins as a header does, where the window stands. */
static enum aof_damage_verdict look_at(struct search *s, uint64_t start)
{
    struct aof_item item;
    enum aof_item_kind kind = aof_next(aof_window_rest(&s->window), true, &s->args, &item);
    if (kind == AOF_SHORT && !aof_window_at_end(&s->window))
        return more(s, item.len); /* and then again */
    if (kind == AOF_HEADER && knows(s, &item.header, start))
        return corruption(s,
                          "It is damage, not the end that a crash leaves: the batch at offset %llu of %s knows it to "
                          "have been on disk",
                          (unsigned long long)s->window.offset, part_name(s, s->part));
    aof_window_skip(&s->window, 1);
    return AOF_DAMAGE_TAIL;
}

/* Searches the rest of the part for a header that knows the place. */
static enum aof_damage_verdict search_part(struct search *s, uint64_t start)
{
    static const char prefix[] = AOF_HEADER_PREFIX;
    enum aof_damage_verdict verdict = AOF_DAMAGE_TAIL;
    while (verdict == AOF_DAMAGE_TAIL) {
        struct slice rest = aof_window_rest(&s->window);
        const char *found = memmem(rest.ptr, rest.len, prefix, sizeof prefix - 1);
        if (found) {
            aof_window_skip(&s->window, (size_t)(found - rest.ptr));
            verdict = look_at(s, start);
            continue;
        }
        if (aof_window_at_end(&s->window))
            break;
        if (rest.len >= sizeof prefix)
            aof_window_skip(&s->window, rest.len - (sizeof prefix - 2)); /* the last bytes may begin one */
        verdict = more(s, sizeof prefix);
    }
    return verdict;
}

/* Bytes of an annotation line, damaged or not; 0 if it is none that Redis skips. */
static size_t line_length(struct slice rest)
{
    size_t max = rest.len < AOF_ANNOTATION_BYTES_MAX ? rest.len : AOF_ANNOTATION_BYTES_MAX;
    const char *end = *rest.ptr == '#' ? memchr(rest.ptr, '\n', max) : NULL;
    return end ? (size_t)(end - rest.ptr) + 1 : 0;
}

/* Whether Redis, which knows no checksums, has read over the place and gone on: with a SELECT of its own. */
static enum aof_damage_verdict search_redis(struct search *s)
{
    enum aof_damage_verdict verdict = AOF_DAMAGE_TAIL;
    while (verdict == AOF_DAMAGE_TAIL) {
        struct slice rest = aof_window_rest(&s->window);
        bool at_end = aof_window_at_end(&s->window);
        struct aof_item item = {.len = 1};
        s->args.n = 0;
        enum aof_item_kind kind = rest.len > 0 ? aof_next(rest, at_end, &s->args, &item) : AOF_SHORT;
        if (kind == AOF_SHORT && at_end)
            break;
        if (kind == AOF_SHORT) {
            verdict = more(s, item.len);
            continue;
        }
        if (kind == AOF_COMMAND && slice_eq(s->args.v[0], slice_str("SELECT")))
            return corruption(s,
                              "It is damage, not the end that a crash leaves: Redis has read over it, and has gone on "
                              "at offset %llu of %s",
                              (unsigned long long)s->window.offset, part_name(s, s->part));
        if (kind == AOF_GARBAGE)
            item.len = line_length(rest);
        if (item.len == 0)
            break; /* nor can Redis */
        aof_window_skip(&s->window, item.len);
    }
    return verdict;
}

/* What is behind the place in its own part. */
static enum aof_damage_verdict search_own_part(struct search *s)
{
    const struct aof_damage *d = s->damage;
    enum aof_damage_verdict verdict = open_part(s, d->part, d->at);
    if (verdict == AOF_DAMAGE_TAIL)
        verdict = search_redis(s);
    if (verdict == AOF_DAMAGE_TAIL)
        verdict = open_part(s, d->part, d->at + 1);
    return verdict == AOF_DAMAGE_TAIL ? search_part(s, d->start) : verdict;
}

static enum aof_damage_verdict search_later_part(struct search *s, uint32_t part)
{
    struct aof_item item;
    enum aof_damage_verdict verdict = open_part(s, part, 0);
    if (verdict != AOF_DAMAGE_TAIL || s->window.size == 0)
        return verdict;
    if (!s->damage->ours || aof_next(aof_window_rest(&s->window), true, &s->args, &item) != AOF_FILE_LINE)
        return corruption(s,
                          "It may not be dropped, because %s was written after it, and does not tell what was on disk",
                          part_name(s, part));
    uint64_t start = item.file_line.start;
    verdict = search_redis(s);
    if (verdict == AOF_DAMAGE_TAIL)
        verdict = open_part(s, part, 0);
    return verdict == AOF_DAMAGE_TAIL ? search_part(s, start) : verdict;
}

enum aof_damage_verdict aof_damage_judge(const struct aof_load_config *config, const struct aof_damage *damage,
                                         bool (*go_on)(void *arg), void *arg, char *text)
{
    struct search s = {
        .config = config, .damage = damage, .go_on = go_on, .arg = arg, .text = text, .window = {.disk = config->disk}};
    if (config->parts[damage->part].base && damage->part + 1 < config->nparts)
        return corruption(&s, "It is in the base, which was on disk before the files after it");
    enum aof_damage_verdict verdict = damage->to_end ? AOF_DAMAGE_TAIL : search_own_part(&s);
    for (uint32_t part = damage->part + 1; verdict == AOF_DAMAGE_TAIL && part < config->nparts; part++)
        verdict = search_later_part(&s, part);
    aof_window_deinit(&s.window);
    mem_free(NULL, s.args.v);
    return verdict;
}

int aof_damage_zeros(struct disk *disk, int fd, uint64_t from, uint64_t size, uint64_t *begin)
{
    char buf[ZEROS_BYTES];
    for (*begin = size; *begin > from;) {
        uint64_t at = *begin - from > sizeof buf ? *begin - sizeof buf : from;
        size_t len = (size_t)(*begin - at);
        for (size_t got = 0; got < len;) {
            ssize_t n = disk_pread(disk, fd, buf + got, len - got, at + got);
            if (n < 0)
                return (int)n;
            if (n == 0) { /* somebody has cut it meanwhile */
                *begin = size;
                return 0;
            }
            got += (size_t)n;
        }
        while (len > 0 && buf[len - 1] == '\0')
            len--;
        *begin = at + len;
        if (len > 0)
            break;
    }
    return 0;
}
