/* The formats of the append-only file as a program, for run.py:
 *
 *   aof_tool write SEED BATCHES   a file of random SETs and DELs, on stdout
 *   aof_tool read FILE            its commands, one a line with arguments in hexadecimal; other lines say what was
 * found: torn OFFSET, continued OFFSET, skipped BYTES, cut OFFSET WHY aof_tool mend FILE            changes the torn
 * pieces in it aof_tool manifest FILE        writes it anew, or says: error WHY aof_tool names FILENAME       the
 * manifest of a new directory */
#include <stdio.h>
#include <stdlib.h>

#include "persist/aof_format.h"
#include "persist/aof_manifest.h"
#include "src/base/mem.h"
#include "src/base/random.h"

enum { KEYS = 20, DATABASES = 3, VALUE_BYTES_MAX = 200, EFFECTS_BYTES_MAX = 8192 };

static struct slice load(const char *path)
{
    FILE *in = fopen(path, "r");
    if (!in || fseek(in, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    size_t len = (size_t)ftell(in);
    char *bytes = malloc(len + 1);
    rewind(in);
    len = fread(bytes, 1, len, in);
    fclose(in);
    return slice_of(bytes, len);
}

static char *put_command(char *p, uint32_t argc, const struct slice *argv)
{
    p += sprintf(p, "*%u\r\n", argc);
    for (uint32_t i = 0; i < argc; i++) {
        p += sprintf(p, "$%zu\r\n", argv[i].len);
        memcpy(p, argv[i].ptr, argv[i].len);
        p += argv[i].len;
        p += sprintf(p, "\r\n");
    }
    return p;
}

static char *put_random_command(char *p, struct random *r)
{
    char key[16], value[VALUE_BYTES_MAX];
    size_t len = random_below(r, sizeof value);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)random_u64(r);
    sprintf(key, "key:%u", (unsigned)random_below(r, KEYS));
    if (random_below(r, 4) == 0)
        return put_command(p, 2, (struct slice[]){slice_str("DEL"), slice_str(key)});
    return put_command(p, 3, (struct slice[]){slice_str("SET"), slice_str(key), slice_of(value, len)});
}

static void write_batch(struct random *r, uint64_t sequence)
{
    char effects[EFFECTS_BYTES_MAX], batch[EFFECTS_BYTES_MAX + AOF_FRAME_BYTES], line[AOF_LINE_BYTES_MAX], *p = effects;
    for (uint64_t i = 1 + random_below(r, 2); i-- > 0;) {
        char db = (char)('0' + random_below(r, DATABASES));
        p = put_command(p, 2, (struct slice[]){slice_str("select"), slice_of(&db, 1)});
        for (uint64_t k = 1 + random_below(r, 4); k-- > 0;)
            p = put_random_command(p, r);
    }
    size_t len = aof_write_batch(batch, slice_of(effects, (size_t)(p - effects)), random_below(r, 2));
    struct aof_header header = {
        .sequence = sequence, .shard = 1, .length = len, .sum = aof_batch_sum(slice_of(batch, len))};
    fwrite(line, 1, aof_write_header(line, &header), stdout);
    fwrite(batch, 1, len, stdout);
}

static int write_file(uint64_t seed, uint64_t batches)
{
    struct random r;
    char line[AOF_LINE_BYTES_MAX];
    random_init(&r, seed);
    struct aof_file_line first = {.version = AOF_VERSION, .hash_seed = random_u64(&r)};
    fwrite(line, 1, aof_write_file_line(line, &first), stdout);
    for (uint64_t i = 1; i <= batches; i++) {
        if (random_below(&r, 4) == 0)
            fwrite(line, 1, aof_write_timestamp(line, 1700000000 + (int64_t)i), stdout);
        write_batch(&r, i);
    }
    return 0;
}

static void print_command(const struct arg_arena *args)
{
    printf("command");
    for (uint32_t i = 0; i < args->n; i++) {
        putchar(' ');
        for (size_t k = 0; k < args->v[i].len; k++)
            printf("%02x", (unsigned char)args->v[i].ptr[k]);
    }
    putchar('\n');
}

/* Whether to go on behind a header, *skip bytes on: its batch is good, or what is there are commands that Redis left.
 */
static bool take_header(const struct aof_header *header, struct slice rest, size_t at, struct arg_arena *args,
                        size_t *skip)
{
    *skip = 0;
    const char *fault = aof_batch_fault(header, rest, args);
    if (!fault)
        return true;
    if (aof_redis_continued(header, rest, true, args, skip) != AOF_CONTINUED) {
        printf("cut %zu %s\n", at, fault);
        return false;
    }
    printf("continued %zu\n", at);
    if (*skip > 0)
        printf("skipped %zu\n", *skip);
    return true;
}

static int read_file(struct slice bytes)
{
    struct arg_arena args = {0};
    struct aof_item item;
    for (size_t at = 0; at < bytes.len; at += item.len) {
        struct slice left = slice_of(bytes.ptr + at, bytes.len - at);
        args.n = 0;
        enum aof_item_kind kind = aof_next(left, true, &args, &item);
        if (kind == AOF_SHORT || kind == AOF_GARBAGE) {
            printf("cut %zu %s\n", at, kind == AOF_SHORT ? "the file ends" : item.why);
            break;
        }
        if (kind == AOF_COMMAND)
            print_command(&args);
        if (kind == AOF_TORN)
            printf("torn %zu\n", at);
        struct slice rest = slice_of(left.ptr + item.len, left.len - item.len);
        size_t skip = 0;
        if (kind == AOF_HEADER && !take_header(&item.header, rest, at, &args, &skip))
            break;
        item.len += skip;
    }
    mem_free(NULL, args.v);
    free((char *)bytes.ptr);
    return 0;
}

static int mend_file(const char *path)
{
    struct slice bytes = load(path);
    struct arg_arena args = {0};
    struct aof_item item;
    for (size_t at = 0; at < bytes.len; at += item.len) {
        args.n = 0;
        enum aof_item_kind kind = aof_next(slice_of(bytes.ptr + at, bytes.len - at), true, &args, &item);
        if (kind == AOF_SHORT || kind == AOF_GARBAGE)
            break;
        if (kind != AOF_TORN)
            continue;
        aof_mend_torn((char *)bytes.ptr + at, item.len);
        if (bytes.ptr[at] == '*')
            item.len = 0; /* the piece is part of the command now */
    }
    FILE *out = fopen(path, "w");
    bool written = out && fwrite(bytes.ptr, 1, bytes.len, out) == bytes.len && fclose(out) == 0;
    free((char *)bytes.ptr);
    mem_free(NULL, args.v);
    return written ? 0 : 2;
}

static int write_manifest(const struct aof_manifest *m)
{
    size_t len;
    char *text = aof_manifest_format(m, &len);
    fwrite(text, 1, len, stdout);
    mem_free(NULL, text);
    return 0;
}

static int read_manifest(struct slice text)
{
    struct aof_manifest m = {0};
    struct aof_manifest_error error;
    bool good = aof_manifest_parse(&m, text, &error);
    if (good)
        write_manifest(&m);
    else
        printf("error %s\n", error.why);
    aof_manifest_deinit(&m);
    free((char *)text.ptr);
    return good ? 0 : 1;
}

static int write_names(const char *filename)
{
    struct aof_manifest m = {0};
    aof_manifest_add_incremental(&m, filename);
    write_manifest(&m);
    aof_manifest_deinit(&m);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "write") == 0 && argc == 4)
        return write_file(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
    if (strcmp(what, "read") == 0)
        return read_file(load(argv[2]));
    if (strcmp(what, "mend") == 0)
        return mend_file(argv[2]);
    if (strcmp(what, "manifest") == 0)
        return read_manifest(load(argv[2]));
    if (strcmp(what, "names") == 0)
        return write_names(argv[2]);
    fprintf(stderr, "usage: aof_tool write SEED BATCHES | read FILE | mend FILE | manifest FILE | names FILENAME\n");
    return 2;
}
