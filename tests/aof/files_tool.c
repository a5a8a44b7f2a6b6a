/* The append-only directory as a program, for files.py. Each opens and loads DIR, a data directory, and
 *
 *   files_tool list DIR          says what is there: part NAME BYTES, unnamed NAME, command HEX..., in order
 *   files_tool go_on DIR SEED    begins, and appends some batches of random SETs
 *   files_tool base DIR SEED     the same behind a fresh base
 *
 * or says "error WHY", and fails. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "persist/aof_files.h"
#include "persist/aof_format.h"
#include "persist/aof_load.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/base/random.h"
#include "src/io/disk.h"

enum { NUMBER_BYTES_MAX = 24, PARTS_MAX = 64, BATCHES = 3, KEYS = 30, HASH_SEED = 5 };

struct loaded {
    struct aof_files *f;
    struct aof_load_result result;
    FILE *commands; /* as they are to stand in a file; NULL: they are printed */
};

static void fail_with(const char *why)
{
    printf("error %s\n", why);
    exit(1);
}

static void print_command(uint32_t argc, const struct slice *argv)
{
    printf("command");
    for (uint32_t i = 0; i < argc; i++) {
        putchar(' ');
        for (size_t k = 0; k < argv[i].len; k++)
            printf("%02x", (unsigned char)argv[i].ptr[k]);
    }
    putchar('\n');
}

static void write_command(FILE *out, uint32_t argc, const struct slice *argv)
{
    fprintf(out, "*%u\r\n", argc);
    for (uint32_t i = 0; i < argc; i++) {
        fprintf(out, "$%zu\r\n", argv[i].len);
        fwrite(argv[i].ptr, 1, argv[i].len, out);
        fprintf(out, "\r\n");
    }
}

static const char *on_command(void *ctx, uint32_t argc, const struct slice *argv)
{
    struct loaded *l = ctx;
    if (l->commands)
        write_command(l->commands, argc, argv);
    else
        print_command(argc, argv);
    return NULL;
}

static const char *on_select(void *ctx, uint64_t db)
{
    char text[NUMBER_BYTES_MAX];
    return on_command(ctx, 2, (struct slice[]){slice_str("select"), slice_of(text, num_u64(text, db))});
}

static const char *on_key(void *ctx, const struct rdb_load_key *s)
{
    char text[NUMBER_BYTES_MAX];
    struct slice value = s->is_integer ? slice_of(text, num_i64(text, s->integer)) : s->bytes;
    return on_command(ctx, 3, (struct slice[]){slice_str("set"), s->key, value});
}

static const char *on_aux(void *ctx, struct slice name, struct slice value) { return NULL; }
static const char *on_resize(void *ctx, uint64_t keys, uint64_t expires) { return NULL; }
static const char *on_function(void *ctx, struct slice library) { return "a function"; }
static bool on_progress(void *ctx, uint64_t bytes_done, uint64_t bytes_total) { return true; }
static void on_log(void *ctx, bool warning, const char *line) { printf("log %s\n", line); }

static int open_part(void *arg, uint32_t part) { return aof_files_open_part(arg, part); }

static void print_unnamed(void *arg, const char *name) { printf("unnamed %s\n", name); }

static void load(struct loaded *l, const char *path)
{
    static const struct rdb_load_handlers rdb = {on_aux, on_select, on_resize, on_key, on_function};
    static const struct aof_load_handlers handlers = {
        .command = on_command, .rdb = &rdb, .progress = on_progress, .log = on_log};
    char error[AOF_FILES_ERROR_BYTES];
    struct disk *disk = disk_real();
    int dir = disk_open(disk, DISK_CWD, path, DISK_DIRECTORY);
    if (dir < 0 || aof_files_open(&l->f, disk, dir, "appendonlydir", "appendonly.aof", error) == AOF_FILES_FAILED)
        fail_with(dir < 0 ? path : error);
    struct aof_load_part parts[PARTS_MAX];
    uint32_t n = aof_files_count(l->f) < PARTS_MAX ? aof_files_count(l->f) : PARTS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        struct aof_part part = aof_files_part(l->f, i);
        parts[i] = (struct aof_load_part){part.name, part.base};
        printf("part %s %" PRIu64 "\n", part.name, part.size);
    }
    aof_files_unnamed(l->f, print_unnamed, NULL);
    struct aof_load_config config = {.disk = disk, .parts = parts, .nparts = n, .open = open_part, .arg = l->f};
    config.truncated = config.rdb_checksum = true;
    if (n > 0 && aof_load(&config, &handlers, l, &l->result) != AOF_LOAD_DONE)
        fail_with(l->result.error);
    if (l->result.cut && aof_files_cut(l->f, l->result.part, l->result.good_bytes, error) < 0)
        fail_with(error);
}

static void append(int fd, const void *bytes, size_t len)
{
    if (len > 0 && disk_append_all(disk_real(), fd, &(struct iovec){(void *)bytes, len}, 1) < 0)
        fail_with("an append failed");
}

/* Appends batches of random SETs, behind that of sequence number position. */
static void append_batches(int fd, uint64_t seed, uint64_t position)
{
    struct random r;
    random_init(&r, seed);
    for (int i = 0; i < BATCHES; i++) {
        char *batch, line[AOF_LINE_BYTES_MAX], db[2] = {(char)('0' + random_below(&r, 3)), '\0'};
        size_t len;
        FILE *out = open_memstream(&batch, &len);
        write_command(out, 2, (struct slice[]){slice_str("select"), slice_str(db)});
        for (int k = 0; k < 4; k++) {
            char key[32], value[32];
            sprintf(key, "key:%d", (int)random_below(&r, KEYS));
            sprintf(value, "%" PRIu64, random_u64(&r));
            write_command(out, 3, (struct slice[]){slice_str("set"), slice_str(key), slice_str(value)});
        }
        fclose(out);
        struct aof_header header = {.sequence = ++position, .length = len, .sum = aof_batch_sum(slice_of(batch, len))};
        append(fd, line, aof_write_header(line, &header));
        append(fd, batch, len);
        free(batch);
    }
}

static void make_base(struct loaded *l, struct slice commands, uint64_t offset, struct aof_tail *tail)
{
    char error[AOF_FILES_ERROR_BYTES];
    int fd;
    if (aof_files_new_base(l->f, &fd, error) < 0)
        fail_with(error);
    append(fd, commands.ptr, commands.len);
    if (aof_files_commit_base(l->f, HASH_SEED, offset, tail, error) < 0)
        fail_with(error);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    struct loaded l = {0};
    struct aof_tail tail;
    char *text = NULL, error[AOF_FILES_ERROR_BYTES];
    size_t len = 0;
    log_set_level(LOG_LEVEL_WARNING);
    if (strcmp(what, "list") == 0) {
        load(&l, argv[2]);
        aof_files_close(l.f);
        return 0;
    }
    if (argc != 4) {
        fprintf(stderr, "usage: files_tool list DIR | go_on DIR SEED | base DIR SEED\n");
        return 2;
    }
    l.commands = open_memstream(&text, &len);
    load(&l, argv[2]);
    fclose(l.commands);
    if (aof_files_begin(l.f, HASH_SEED, l.result.offset, &tail, error) < 0)
        fail_with(error);
    if (strcmp(what, "base") == 0) {
        disk_close(disk_real(), tail.fd);
        make_base(&l, slice_of(text, len), tail.offset, &tail);
    }
    append_batches(tail.fd, strtoull(argv[3], NULL, 0), l.result.position);
    disk_close(disk_real(), tail.fd);
    aof_files_close(l.f);
    free(text);
    return 0;
}
