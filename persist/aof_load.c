#include "persist/aof_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "persist/aof_damage.h"
#include "persist/aof_format.h"
#include "persist/aof_window.h"
#include "src/base/mem.h"

enum { RDB_MAGIC_BYTES = 5 };

#define WHAT_TO_DO "Restore the directory from a copy, or see with skua-server --check-aof what can be saved"

/* One load. Functions that return bool return whether to go on; if not, end says why. */
struct load {
    const struct aof_load_config *config;
    const struct aof_load_handlers *handlers;
    void *ctx;
    struct aof_load_result *result;
    enum aof_load_end end;
    struct aof_window window;
    struct arg_arena args;
    uint64_t *sizes;      /* of the parts */
    uint64_t done, total; /* bytes of the parts before this one, and of all */

    /* The part being read. */
    uint32_t part;
    uint64_t start;          /* in the stream; 0 for a base */
    bool ours;               /* it has our first line */
    bool in_batches;         /* the last that was read is that line or a batch */
    uint64_t torn, torn_end; /* the last piece of a line that Redis went on from; it is none without what follows */

    /* What went before it, of the base or of the incremental parts. */
    bool chained;      /* an incremental part, which ends where this one is to start */
    bool chained_ours; /* it is one of ours */
    bool numbered;     /* sequence is that of a batch */
    uint64_t sequence;
};

static const char *part_name(const struct load *l, uint32_t part) { return l->config->parts[part].name; }

static bool is_base(const struct load *l, uint32_t part) { return l->config->parts[part].base; }

/* --- Ends --- */

static bool interrupted(struct load *l)
{
    l->end = AOF_LOAD_INTERRUPTED;
    return false;
}

__attribute__((format(printf, 4, 5))) static bool refuse(struct load *l, uint32_t part, uint64_t offset,
                                                         const char *format, ...)
{
    char why[AOF_LOAD_ERROR_BYTES_MAX / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    snprintf(l->result->error, AOF_LOAD_ERROR_BYTES_MAX, "%s: offset %llu: %s", part_name(l, part),
             (unsigned long long)offset, why);
    l->end = AOF_LOAD_REFUSED;
    return false;
}

/* What begins with the window's next byte. */
static bool refuse_here(struct load *l, const char *why)
{
    return refuse(l, l->part, l->window.offset, "%s. " WHAT_TO_DO, why);
}

static bool unread(struct load *l, uint32_t part, uint64_t offset, int error)
{
    return refuse(l, part, offset, "can't read the file: %s", strerror(-error));
}

__attribute__((format(printf, 3, 4))) static void note(struct load *l, bool warning, const char *format, ...)
{
    char text[AOF_LOAD_ERROR_BYTES_MAX / 2], line[AOF_LOAD_ERROR_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%s: offset %llu: %s", part_name(l, l->part), (unsigned long long)l->window.offset,
             text);
    l->handlers->log(l->ctx, warning, line);
}

static bool progress(void *arg)
{
    struct load *l = arg;
    return l->handlers->progress(l->ctx, l->done + l->window.offset, l->total);
}

static bool more(struct load *l, uint64_t need)
{
    if (!progress(l))
        return interrupted(l);
    int r = aof_window_more(&l->window, need);
    return r == 0 || unread(l, l->part, l->window.offset, r);
}

/* --- Places that are not good --- */

enum bad_kind {
    BAD_END,   /* the file ends inside it */
    BAD_OURS,  /* a header or a batch */
    BAD_OTHER, /* which no crash leaves, but for zeros at the end */
};

struct bad {
    enum bad_kind kind;
    uint32_t part;
    uint64_t at;  /* the part is good up to there */
    uint64_t end; /* in the stream: who knows all before it to be on disk knows this place */
    bool ours;    /* the part */
    const char *why;
};

/* What is lost with it. */
static void measure(struct load *l, const struct bad *bad)
{
    struct aof_load_result *r = l->result;
    r->damaged = true;
    r->part = bad->part;
    r->good_bytes = bad->at;
    r->why = bad->why;
    r->dropped_bytes = l->sizes[bad->part] - bad->at;
    for (uint32_t i = bad->part + 1; i < l->config->nparts; i++)
        r->dropped_bytes += l->sizes[i];
}

static bool cut(struct load *l, const struct bad *bad)
{
    uint32_t later = l->config->nparts - bad->part - 1;
    char dropped[128];
    snprintf(dropped, sizeof dropped, later ? "%llu bytes, with the %u later file%s" : "%llu bytes",
             (unsigned long long)l->result->dropped_bytes, later, later > 1 ? "s" : "");
    l->result->cut = true;
    if (!l->config->truncated)
        return refuse(
            l, bad->part, bad->at,
            "%s. A crash leaves such an end, but aof-load-truncated is no. To drop it (%s), make a copy of the "
            "directory, and then set aof-load-truncated to yes or use skua-server --check-aof --fix",
            bad->why, dropped);
    char line[AOF_LOAD_ERROR_BYTES_MAX];
    snprintf(line, sizeof line,
             "%s: offset %llu: %s. A crash leaves such an end: it is dropped (%s). AOF loaded anyway because "
             "aof-load-truncated is enabled",
             part_name(l, bad->part), (unsigned long long)bad->at, bad->why, dropped);
    l->handlers->log(l->ctx, true, line);
    l->end = AOF_LOAD_DONE;
    return false;
}

static bool judge(struct load *l, const struct bad *bad)
{
    struct aof_damage damage = {.part = bad->part,
                                .at = bad->at,
                                .start = l->start,
                                .end = bad->end,
                                .sequence = l->numbered ? l->sequence : 0,
                                .ours = bad->ours,
                                .to_end = bad->kind == BAD_END};
    char text[AOF_DAMAGE_TEXT_BYTES_MAX];
    switch (aof_damage_judge(l->config, &damage, progress, l, text)) {
    case AOF_DAMAGE_TAIL:
        return cut(l, bad);
    case AOF_DAMAGE_STOPPED:
        return interrupted(l);
    case AOF_DAMAGE_CORRUPTION:
        break;
    }
    return refuse(l, bad->part, bad->at, "%s. %s. " WHAT_TO_DO, bad->why, text);
}

/* Ends loading, or goes on in a file that is taken to end where the zeros begin that end it. */
static bool take_bad(struct load *l, const struct bad *bad)
{
    struct aof_window *w = &l->window;
    uint64_t zeros = w->size;
    measure(l, bad);
    if (bad->kind != BAD_OTHER)
        return judge(l, bad);
    int r = aof_damage_zeros(l->config->disk, w->fd, bad->at, w->size, &zeros);
    if (r < 0)
        return unread(l, bad->part, bad->at, r);
    if (zeros == w->size)
        return refuse(l, bad->part, bad->at, "%s. It is not the end that a crash leaves. " WHAT_TO_DO, bad->why);
    aof_window_end_at(w, zeros);
    return true;
}

/* In this part, length bytes at an offset. */
static bool bad_at(struct load *l, enum bad_kind kind, uint64_t at, uint64_t length, const char *why)
{
    struct bad bad = {.kind = kind, .part = l->part, .at = at, .ours = l->ours, .why = why};
    bad.end = l->start + at + length;
    if (at == l->torn_end)
        bad.at = l->torn;
    return take_bad(l, &bad);
}

static bool bad_here(struct load *l, enum bad_kind kind, const char *why)
{
    return bad_at(l, kind, l->window.offset, 1, why);
}

/* --- Commands --- */

static bool is_name(const struct load *l, const char *name) { return slice_is(l->args.v[0], name); }

/* The command in args. */
static bool hand_out(struct load *l)
{
    size_t name_len = l->args.v[0].len;
    l->result->lines += 1 + 2 * (uint64_t)l->args.n;
    if ((name_len == 5 && is_name(l, "multi")) || (name_len == 4 && is_name(l, "exec")))
        return true;
    l->result->commands++;
    const char *why = l->handlers->command(l->ctx, l->args.n, l->args.v);
    return !why || refuse(l, l->part, l->window.offset, "%s", why);
}

/* The next n bytes, in which all commands are whole. */
static bool hand_out_all(struct load *l, size_t n)
{
    struct aof_item item;
    for (uint64_t end = l->window.offset + n; l->window.offset < end; aof_window_skip(&l->window, item.len)) {
        struct slice rest = slice_of(aof_window_rest(&l->window).ptr, (size_t)(end - l->window.offset));
        l->args.n = 0;
        enum aof_item_kind kind = aof_next(rest, true, &l->args, &item);
        if (kind == AOF_SHORT || kind == AOF_GARBAGE)
            return refuse_here(l, "a batch with the right checksum, of no whole commands");
        if (kind == AOF_COMMAND && !hand_out(l))
            return false;
    }
    return true;
}

/* As each file begins in database 0. */
static bool select_first(struct load *l)
{
    const struct slice argv[] = {slice_str("SELECT"), slice_str("0")};
    const char *why = l->handlers->command(l->ctx, 2, argv);
    return !why || refuse_here(l, why);
}

/* --- Batches --- */

/* The batch behind header (len bytes) is not good. */
static bool take_torn_batch(struct load *l, const struct aof_header *header, size_t len, const char *fault)
{
    size_t skip = 0;
    enum aof_continued continued;
    for (;;) {
        struct slice rest = aof_window_rest(&l->window);
        continued = aof_redis_continued(header, slice_of(rest.ptr + len, rest.len - len), aof_window_at_end(&l->window),
                                        &l->args, &skip);
        if (continued != AOF_CONTINUED_SHORT)
            break;
        if (!more(l, len + skip))
            return false;
    }
    if (continued == AOF_NOT_CONTINUED)
        return bad_at(l, BAD_OURS, l->window.offset, len + header->length, fault);
    note(l, true, "a crash has torn batch %llu, and Redis went on from there: %s", (unsigned long long)header->sequence,
         skip > 0 ? "what is left of its transaction is skipped, and what follows is loaded"
                  : "what is left of it is loaded, and what follows");
    l->result->wants_base = true;
    l->in_batches = false;
    aof_window_skip(&l->window, len + skip);
    return true;
}

static bool take_batch(struct load *l, const struct aof_header *header, size_t len)
{
    uint64_t left = l->window.size - l->window.offset - len;
    uint64_t need = header->length < left ? header->length : left;
    if (!l->ours)
        return refuse_here(l, "a batch in a file without the first line of this server's files");
    if (l->numbered && header->sequence != l->sequence + 1)
        return refuse(l, l->part, l->window.offset, "batch %llu follows batch %llu. " WHAT_TO_DO,
                      (unsigned long long)header->sequence, (unsigned long long)l->sequence);
    if (aof_window_rest(&l->window).len - len < need && !more(l, len + need))
        return false;
    struct slice rest = aof_window_rest(&l->window);
    const char *fault = aof_batch_fault(header, slice_of(rest.ptr + len, rest.len - len), &l->args);
    bool good = !fault;
    if (good) {
        aof_window_skip(&l->window, len);
        good = hand_out_all(l, header->length);
    } else {
        good = take_torn_batch(l, header, len, fault);
    }
    if (!good)
        return false;
    l->in_batches = !fault;
    l->numbered = true;
    l->sequence = header->sequence;
    l->result->batches++;
    if (!is_base(l, l->part))
        l->result->position = header->sequence;
    return true;
}

/* --- What has no headers --- */

/* Finds the end of a transaction whose MULTI is the window's next len bytes. */
static bool take_transaction(struct load *l, size_t len)
{
    size_t begin = 0; /* of the item being looked at */
    for (struct aof_item item = {.len = len};;) {
        begin += item.len;
        struct slice rest = aof_window_rest(&l->window);
        bool at_end = aof_window_at_end(&l->window);
        enum aof_item_kind kind = AOF_SHORT;
        l->args.n = 0;
        item.len = 1;
        if (begin < rest.len)
            kind = aof_next(slice_of(rest.ptr + begin, rest.len - begin), at_end, &l->args, &item);
        if (kind == AOF_SHORT && at_end)
            return bad_here(l, BAD_END, "the file ends inside a transaction");
        if (kind == AOF_SHORT && !more(l, begin + item.len))
            return false;
        if (kind == AOF_SHORT)
            item.len = 0;
        if (kind == AOF_GARBAGE || kind == AOF_HEADER || kind == AOF_FILE_LINE)
            return bad_here(l, BAD_OTHER, "a transaction without its end");
        if (kind == AOF_COMMAND && is_name(l, "exec"))
            return hand_out_all(l, begin + item.len);
    }
}

static bool take_command(struct load *l, size_t len)
{
    l->in_batches = false;
    if (is_name(l, "multi"))
        return take_transaction(l, len);
    if (!hand_out(l))
        return false;
    aof_window_skip(&l->window, len);
    return true;
}

static bool take_timestamp(struct load *l, const struct aof_item *item)
{
    if (l->handlers->timestamp && !l->handlers->timestamp(l->ctx, l->part, l->window.offset, item->unix_seconds))
        return interrupted(l);
    aof_window_skip(&l->window, item->len);
    return true;
}

/* glued: to a command, which makes it a line that Redis can't read. */
static void take_torn_line(struct load *l, size_t len, bool glued)
{
    note(l, true, "a crash has torn this line, and Redis went on from there: what follows is loaded");
    l->torn = l->window.offset;
    l->torn_end = l->window.offset + len;
    l->result->wants_base |= glued;
    if (glued && l->handlers->torn)
        l->handlers->torn(l->ctx, l->part, l->window.offset, len);
}

static bool take_file_line(struct load *l, const struct aof_item *item)
{
    const struct aof_file_line *line = &item->file_line;
    if (l->window.offset > 0)
        return refuse_here(l, "the first line of a file in the middle of one");
    if (line->version != AOF_VERSION)
        return refuse(l, l->part, 0,
                      "version %u of the format; only version %u can be read here. Use the version of the "
                      "server that has written the file",
                      line->version, AOF_VERSION);
    if (l->chained && line->start < l->start)
        return refuse_here(l, "the file begins before the end of the one before it");
    if (l->chained && line->start > l->start)
        return take_bad(l, &(struct bad){.part = l->part - 1,
                                         .at = l->sizes[l->part - 1],
                                         .end = l->start + 1,
                                         .ours = l->chained_ours,
                                         .kind = BAD_END,
                                         .why = "the file ends before the next one begins"});
    l->ours = l->in_batches = true;
    l->start = is_base(l, l->part) ? 0 : line->start;
    aof_window_skip(&l->window, item->len);
    return true;
}

/* --- Parts --- */

/* What the window, which is not empty, begins with. */
static bool take_item(struct load *l)
{
    struct slice rest = aof_window_rest(&l->window);
    struct aof_item item;
    bool at_end = aof_window_at_end(&l->window);
    l->args.n = 0;
    switch (aof_next(rest, at_end, &l->args, &item)) {
    case AOF_FILE_LINE:
        return take_file_line(l, &item);
    case AOF_HEADER:
        return take_batch(l, &item.header, item.len);
    case AOF_TIMESTAMP:
        return take_timestamp(l, &item);
    case AOF_FOREIGN:
        break;
    case AOF_COMMAND:
        return take_command(l, item.len);
    case AOF_TORN:
        take_torn_line(l, item.len, rest.ptr[item.len] == '*');
        break;
    case AOF_SHORT:
        return at_end ? bad_here(l, BAD_END,
                                 *rest.ptr == '#' ? "the file ends inside a line" : "the file ends inside a command")
                      : more(l, item.len);
    case AOF_GARBAGE:
        /* Nothing of ours begins otherwise, so a command that Redis appended to our batches is damaged. */
        return bad_here(l, l->in_batches && (*rest.ptr == '#' || *rest.ptr == '\0') ? BAD_OURS : BAD_OTHER, item.why);
    }
    aof_window_skip(&l->window, item.len);
    return true;
}

static bool take_rdb(struct load *l)
{
    struct rdb_load rdb;
    enum rdb_load_status status = RDB_LOAD_MORE;
    bool good = true;
    rdb_load_init(&rdb, l->handlers->rdb, l->ctx, l->config->rdb_checksum);
    while (good && status == RDB_LOAD_MORE) {
        size_t consumed;
        status = rdb_load_feed(&rdb, aof_window_rest(&l->window), &consumed);
        aof_window_skip(&l->window, consumed);
        if (status == RDB_LOAD_MORE && aof_window_at_end(&l->window))
            status = rdb_load_finish(&rdb);
        else if (status == RDB_LOAD_MORE)
            good = more(l, 1);
    }
    if (good && status == RDB_LOAD_FAILED) {
        snprintf(l->result->error, AOF_LOAD_ERROR_BYTES_MAX, "%s: %s", part_name(l, l->part), rdb.error);
        l->end = AOF_LOAD_REFUSED;
        good = false;
    }
    rdb_load_deinit(&rdb);
    return good;
}

static bool open_part(struct load *l)
{
    int fd = l->config->open(l->config->arg, l->part);
    int r = fd < 0 ? fd : aof_window_open(&l->window, fd, 0);
    return r == 0 || refuse(l, l->part, 0, "can't open the file, which the manifest names: %s", strerror(-r));
}

static bool read_part(struct load *l)
{
    if (!open_part(l) || !more(l, RDB_MAGIC_BYTES))
        return false;
    l->total += l->window.size - l->sizes[l->part]; /* it may be a file that is being written */
    l->sizes[l->part] = l->window.size;
    struct slice rest = aof_window_rest(&l->window);
    bool rdb = rest.len >= RDB_MAGIC_BYTES && memcmp(rest.ptr, "REDIS", RDB_MAGIC_BYTES) == 0;
    if (l->handlers->part_begins)
        l->handlers->part_begins(l->ctx, l->part, l->window.size, rdb);
    if ((rdb && !take_rdb(l)) || !select_first(l))
        return false;
    for (;;) {
        if (aof_window_rest(&l->window).len > 0) {
            if (!take_item(l))
                return false;
        } else if (!aof_window_at_end(&l->window)) {
            if (!more(l, 1))
                return false;
        } else {
            break;
        }
    }
    if (l->window.size < l->sizes[l->part])
        return bad_here(l, BAD_END, "the file ends in bytes of zero");
    if (l->handlers->part_ends)
        l->handlers->part_ends(l->ctx, l->part, l->window.size, l->result->lines);
    return true;
}

static bool take_part(struct load *l)
{
    bool base = is_base(l, l->part);
    l->start = l->chained ? l->start : 0;
    l->ours = l->in_batches = false;
    l->torn = l->torn_end = 0;
    bool good = read_part(l);
    if (!base && l->end != AOF_LOAD_REFUSED && !(l->result->damaged && l->result->part < l->part))
        l->result->offset = l->start + (l->result->damaged ? l->result->good_bytes : l->window.size);
    l->done += l->sizes[l->part];
    l->start = l->result->offset;
    l->chained = !base;
    l->chained_ours = l->ours;
    l->numbered = l->numbered && !base;
    return good;
}

/* All files are there, before anything is loaded. */
static bool measure_parts(struct load *l)
{
    for (l->part = 0; l->part < l->config->nparts; l->part++) {
        if (!open_part(l))
            return false;
        l->sizes[l->part] = l->window.size;
        l->total += l->window.size;
    }
    return true;
}

enum aof_load_end aof_load(const struct aof_load_config *config, const struct aof_load_handlers *handlers, void *ctx,
                           struct aof_load_result *result)
{
    *result = (struct aof_load_result){.lines = 1};
    struct load l = {.config = config,
                     .handlers = handlers,
                     .ctx = ctx,
                     .result = result,
                     .end = AOF_LOAD_DONE,
                     .window = {.disk = config->disk},
                     .sizes = mem_alloc(NULL, (config->nparts + 1) * sizeof(uint64_t))};
    bool good = measure_parts(&l);
    for (l.part = 0; good && l.part < config->nparts; l.part++)
        good = take_part(&l);
    aof_window_deinit(&l.window);
    mem_free(NULL, l.args.v);
    mem_free(NULL, l.sizes);
    return l.end;
}
