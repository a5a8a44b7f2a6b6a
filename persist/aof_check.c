#include "persist/aof_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "persist/aof_check_files.h"
#include "persist/aof_format.h"
#include "persist/aof_load.h"
#include "src/base/mem.h"
#include "src/base/num.h"

/* A piece of a line that Redis went on from. */
struct torn {
    uint32_t part;
    uint64_t offset;
    size_t len;
};

struct check {
    FILE *in, *out;
    bool fix, to_timestamp;
    int64_t timestamp;
    struct aof_check_files files;
    struct aof_load_result result;
    struct torn *torn;
    uint32_t ntorn, torn_cap;

    /* Of the part being read. */
    uint64_t size, commands, keys;
    bool rdb;
    uint64_t later_than_timestamp; /* where the first line stands that is */
    uint32_t part;
};

static const char *part_name(const struct check *c, uint32_t part) { return c->files.parts[part].name; }

static bool is_last(const struct check *c, uint32_t part) { return part + 1 == c->files.nparts; }

/* --- What loading says --- */

static const char *take_command(void *ctx, uint32_t argc, const struct slice *argv)
{
    ((struct check *)ctx)->commands++;
    return NULL;
}

static const char *take_aux(void *ctx, struct slice name, struct slice value) { return NULL; }

static const char *take_db(void *ctx, uint64_t db) { return NULL; }

static const char *take_sizes(void *ctx, uint64_t keys, uint64_t expires) { return NULL; }

static const char *take_function(void *ctx, struct slice library) { return NULL; }

static const char *take_key(void *ctx, const struct rdb_load_key *key)
{
    ((struct check *)ctx)->keys++;
    return NULL;
}

static bool take_progress(void *ctx, uint64_t done, uint64_t total) { return true; }

static void take_log(void *ctx, bool warning, const char *line) { fprintf(((struct check *)ctx)->out, "%s\n", line); }

static void take_torn(void *ctx, uint32_t part, uint64_t offset, size_t len)
{
    struct check *c = ctx;
    if (c->ntorn == c->torn_cap) {
        c->torn_cap = c->torn_cap ? c->torn_cap * 2 : 4;
        c->torn = mem_realloc(NULL, c->torn, c->torn_cap * sizeof *c->torn);
    }
    c->torn[c->ntorn++] = (struct torn){part, offset, len};
}

static void take_part_begin(void *ctx, uint32_t part, uint64_t size, bool rdb)
{
    struct check *c = ctx;
    bool base = c->files.parts[part].base;
    c->part = part;
    c->size = size;
    c->rdb = rdb;
    c->commands = c->keys = 0;
    if (c->files.has_manifest && base)
        fprintf(c->out, "Start to check BASE AOF (%s format).\n", rdb ? "RDB" : "RESP");
    else if (c->files.has_manifest && (part == 0 || c->files.parts[part - 1].base))
        fprintf(c->out, "Start to check INCR files.\n");
}

static void print_analyzed(struct check *c, uint64_t good, uint64_t lines)
{
    if (c->rdb)
        fprintf(c->out, "[info] %llu keys read\nRDB preamble is OK, proceeding with AOF tail...\n",
                (unsigned long long)c->keys);
    if (c->to_timestamp && good == c->size)
        fprintf(c->out, "Truncate nothing in AOF %s to timestamp %lld\n", part_name(c, c->part),
                (long long)c->timestamp);
    else
        fprintf(c->out, "AOF analyzed: filename=%s, size=%llu, ok_up_to=%llu, ok_up_to_line=%llu, diff=%llu\n",
                part_name(c, c->part), (unsigned long long)c->size, (unsigned long long)good, (unsigned long long)lines,
                (unsigned long long)(c->size - good));
}

static void take_part_end(void *ctx, uint32_t part, uint64_t size, uint64_t lines)
{
    struct check *c = ctx;
    const char *kind = !c->files.has_manifest ? "AOF" : c->files.parts[part].base ? "BASE AOF" : "INCR AOF";
    if (size > 0)
        print_analyzed(c, size, lines);
    fprintf(c->out, "%s %s is %s\n", kind, part_name(c, part), size > 0 ? "valid" : "empty");
}

static bool take_timestamp(void *ctx, uint32_t part, uint64_t offset, int64_t seconds)
{
    struct check *c = ctx;
    c->later_than_timestamp = offset;
    return !c->to_timestamp || seconds <= c->timestamp;
}

/* --- Changes --- */

static bool is_agreed(struct check *c)
{
    char answer[16];
    fprintf(c->out, "Continue? [y/N]: ");
    fflush(c->out);
    if (fgets(answer, sizeof answer, c->in) && (*answer == 'y' || *answer == 'Y'))
        return true;
    fprintf(c->out, "Aborting...\n");
    return false;
}

static bool truncate_part(struct check *c, uint32_t part, uint64_t size)
{
    int fd = openat(c->files.dir, part_name(c, part), O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && ftruncate(fd, (off_t)size) == 0 && fsync(fd) == 0;
    if (!done)
        fprintf(c->out, "Failed to truncate AOF %s: %s\n", part_name(c, part), strerror(errno));
    if (fd >= 0)
        close(fd);
    return done;
}

static bool mend_piece(struct check *c, const struct torn *t)
{
    char piece[AOF_ANNOTATION_BYTES_MAX + 1];
    int fd = openat(c->files.dir, part_name(c, t->part), O_RDWR | O_CLOEXEC);
    bool done = fd >= 0 && pread(fd, piece, t->len + 1, (off_t)t->offset) == (ssize_t)t->len + 1;
    if (done) {
        aof_mend_torn(piece, t->len);
        done = pwrite(fd, piece, t->len + 1, (off_t)t->offset) == (ssize_t)t->len + 1 && fsync(fd) == 0;
    }
    if (!done)
        fprintf(c->out, "Failed to mend AOF %s: %s\n", part_name(c, t->part), strerror(errno));
    if (fd >= 0)
        close(fd);
    return done;
}

/* Lines that Redis stumbles over where it glued a command to them. */
static bool mend(struct check *c)
{
    if (c->ntorn == 0)
        return true;
    fprintf(c->out, "%u torn lines, to which Redis has appended commands, keep redis-server from reading the AOF\n",
            c->ntorn);
    if (!c->fix) {
        fprintf(c->out, "Use the --fix option to mend them: no command is changed.\n");
        return false;
    }
    if (!is_agreed(c))
        return false;
    for (uint32_t i = 0; i < c->ntorn; i++)
        if (!mend_piece(c, &c->torn[i]))
            return false;
    fprintf(c->out, "Successfully mended the AOF\n");
    return true;
}

/* --- Ends --- */

static bool take_good(struct check *c)
{
    if (c->result.batches > 0)
        fprintf(c->out, "%llu batches of Skua, the last one has number %llu\n", (unsigned long long)c->result.batches,
                (unsigned long long)c->result.position);
    if (!mend(c))
        return false;
    if (c->files.has_manifest)
        fprintf(c->out, "All AOF files and manifest are valid\n");
    return true;
}

static bool take_damage(struct check *c)
{
    const struct aof_load_result *r = &c->result;
    const char *name = part_name(c, r->part);
    fprintf(c->out, "0x%16llx: %s\n", (unsigned long long)r->good_bytes, r->why);
    if (r->part == c->part) /* else it is the one before, which ends too early, and has been reported */
        print_analyzed(c, r->good_bytes, r->lines);
    if (r->cut)
        fprintf(c->out,
                "A crash leaves such an end. The server drops it when it starts, if aof-load-truncated is yes.\n");
    else
        fprintf(c->out, "%s\n", r->error);
    if (!c->fix) {
        fprintf(c->out, "AOF %s is not valid. Use the --fix option to try fixing it.\n", name);
        return false;
    }
    if (!is_last(c, r->part)) {
        fprintf(c->out, "Failed to truncate AOF %s because it is not the last file\n", name);
        return false;
    }
    fprintf(c->out, "This will shrink the AOF %s from %llu bytes, with %llu bytes, to %llu bytes\n", name,
            (unsigned long long)c->size, (unsigned long long)(c->size - r->good_bytes),
            (unsigned long long)r->good_bytes);
    if (!is_agreed(c) || !truncate_part(c, r->part, r->good_bytes))
        return false;
    while (c->ntorn > 0 && c->torn[c->ntorn - 1].part == r->part && c->torn[c->ntorn - 1].offset >= r->good_bytes)
        c->ntorn--;
    fprintf(c->out, "Successfully truncated AOF %s\n", name);
    return take_good(c);
}

/* The part goes on after the timestamp that was asked for. */
static bool take_later(struct check *c)
{
    const char *name = part_name(c, c->part);
    const struct torn *torn = c->ntorn > 0 ? &c->torn[c->ntorn - 1] : NULL;
    long long timestamp = c->timestamp;
    unsigned long long at = c->later_than_timestamp;
    if (at == 0 || (c->part == 0 && c->commands <= 1 && c->keys == 0)) { /* 1: the SELECT that each part is given */
        fprintf(c->out, "AOF %s has nothing before timestamp %lld, aborting...\n", name, timestamp);
        return false;
    }
    if (!is_last(c, c->part)) {
        fprintf(c->out,
                "Failed to truncate AOF %s to timestamp %lld to offset %llu because it is not the last file.\n"
                "If you insist, please delete all files after this file according to the manifest file and delete the "
                "corresponding records in manifest file manually. Then re-run redis-check-aof.\n",
                name, timestamp, at);
        return false;
    }
    if (torn && torn->part == c->part && torn->offset + torn->len == at)
        at = c->torn[--c->ntorn].offset; /* a piece of a line stays none without what is appended to it */
    if (!truncate_part(c, c->part, at))
        return false;
    fprintf(c->out, "Successfully truncated AOF %s to timestamp %lld\n", name, timestamp);
    return take_good(c);
}

static bool take_refused(struct check *c)
{
    if (c->result.damaged)
        return take_damage(c);
    fprintf(c->out, "%s\n", c->result.error);
    if (c->rdb && c->commands == 0)
        fprintf(c->out, "RDB preamble of AOF file is not sane, aborting.\n");
    return false;
}

static bool check(struct check *c)
{
    static const struct rdb_load_handlers rdb = {.aux = take_aux,
                                                 .select_db = take_db,
                                                 .resize_db = take_sizes,
                                                 .key = take_key,
                                                 .function = take_function};
    static const struct aof_load_handlers handlers = {.command = take_command,
                                                      .rdb = &rdb,
                                                      .progress = take_progress,
                                                      .log = take_log,
                                                      .part_begins = take_part_begin,
                                                      .part_ends = take_part_end,
                                                      .timestamp = take_timestamp,
                                                      .torn = take_torn};
    const struct aof_load_config config = {.disk = disk_real(),
                                           .parts = c->files.parts,
                                           .nparts = c->files.nparts,
                                           .open = aof_check_files_open_part,
                                           .arg = &c->files,
                                           .rdb_checksum = true};
    fprintf(c->out, "Start checking %s AOF\n", c->files.has_manifest ? "Multi Part" : "Old-Style");
    switch (aof_load(&config, &handlers, c, &c->result)) {
    case AOF_LOAD_DONE:
        return take_good(c);
    case AOF_LOAD_INTERRUPTED:
        return take_later(c);
    case AOF_LOAD_REFUSED:
        break;
    }
    return take_refused(c);
}

/* --- Arguments --- */

static bool read_timestamp(struct check *c, const char *text)
{
    c->to_timestamp = num_parse_i64(slice_str(text), &c->timestamp);
    if (!c->to_timestamp)
        fprintf(c->out, "Invalid timestamp, aborting...\n");
    return c->to_timestamp;
}

int aof_check_main(const char *program, int argc, char *const *arguments, FILE *in, FILE *out)
{
    struct check c = {.in = in, .out = out};
    int i = 0;
    for (; i + 1 < argc; i++) {
        if (strcmp(arguments[i], "--fix") == 0)
            c.fix = true;
        else if (strcmp(arguments[i], "--truncate-to-timestamp") != 0 || i + 2 >= argc)
            break;
        else if (!read_timestamp(&c, arguments[++i]))
            return 1;
    }
    if (i + 1 != argc || arguments[i][0] == '-') {
        fprintf(out, "Usage: %s [--fix] [--truncate-to-timestamp $timestamp] <directory|file.manifest|file.aof>\n",
                program);
        return 1;
    }
    bool good = aof_check_files_open(&c.files, arguments[i], c.fix || c.to_timestamp, out) && check(&c);
    aof_check_files_close(&c.files);
    mem_free(NULL, c.torn);
    return good ? 0 : 1;
}
