/* Prints what is in an RDB file, as persist/rdb_load reads it in windows of random sizes: one item a line, strings in
 * hexadecimal after an "x". The last line is "end VERSION", "unchecked VERSION" (there is no checksum) or "error TEXT".
 *
 *     rdb_items FILE SEED */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist/rdb_load.h"
#include "src/base/random.h"

static void print_hex(FILE *out, struct slice s)
{
    static const char digits[] = "0123456789abcdef";
    fputs(" x", out);
    for (size_t i = 0; i < s.len; i++) {
        putc_unlocked(digits[(unsigned char)s.ptr[i] >> 4], out);
        putc_unlocked(digits[s.ptr[i] & 15], out);
    }
}

static const char *on_aux(void *out, struct slice name, struct slice value)
{
    fputs("aux", out);
    print_hex(out, name);
    print_hex(out, value);
    fputs("\n", out);
    return NULL;
}

static const char *on_select_db(void *out, uint64_t db)
{
    fprintf(out, "db %llu\n", (unsigned long long)db);
    return NULL;
}

static const char *on_resize_db(void *out, uint64_t keys, uint64_t expires)
{
    fprintf(out, "size %llu %llu\n", (unsigned long long)keys, (unsigned long long)expires);
    return NULL;
}

static const char *on_key(void *out, const struct rdb_load_key *s)
{
    fprintf(out, "key %llu", (unsigned long long)s->db);
    print_hex(out, s->key);
    fprintf(out, " %lld %lld %d", (long long)s->expire_ms, (long long)s->idle_s, s->frequency);
    if (s->type != 0)
        fprintf(out, " type:%u", s->type);
    if (s->is_integer)
        fprintf(out, " %lld", (long long)s->integer);
    else
        print_hex(out, s->bytes);
    fputs("\n", out);
    return NULL;
}

static const char *on_function(void *out, struct slice library)
{
    fputs("function", out);
    print_hex(out, library);
    fputs("\n", out);
    return NULL;
}

static const struct rdb_load_handlers handlers = {on_aux, on_select_db, on_resize_db, on_key, on_function};

/* Leaves l to be looked at, and deinitialised, by the caller. */
static void load(struct rdb_load *l, FILE *out, struct slice file, struct random *r)
{
    rdb_load_init(l, &handlers, out, true);
    uint64_t sizes = random_below(r, 2) ? 100 : 100000;
    for (size_t at = 0; at < file.len && l->status == RDB_LOAD_MORE;) {
        size_t n = 1 + random_below(r, sizes), consumed;
        n = n < file.len - at ? n : file.len - at;
        char *window = malloc(n);
        memcpy(window, file.ptr + at, n);
        rdb_load_feed(l, slice_of(window, n), &consumed);
        free(window);
        at += n;
    }
    rdb_load_finish(l);
}

static struct slice read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    size_t len = (size_t)ftell(file);
    char *bytes = malloc(len + 1);
    rewind(file);
    if (fread(bytes, 1, len, file) != len) {
        perror(path);
        exit(2);
    }
    fclose(file);
    return slice_of(bytes, len);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: rdb_items FILE SEED\n", stderr);
        return 2;
    }
    struct slice file = read_file(argv[1]);
    struct random r;
    struct rdb_load l;
    random_init(&r, strtoull(argv[2], NULL, 0));
    load(&l, stdout, file, &r);
    if (l.status == RDB_LOAD_END)
        printf("%s %d\n", l.unchecked ? "unchecked" : "end", l.version);
    else
        printf("error %s\n", l.error);
    rdb_load_deinit(&l);
    free((char *)file.ptr);
    return 0;
}
