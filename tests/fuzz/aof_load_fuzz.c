/* Loading an append-only file: whatever its parts hold, loading ends, is the same however few bytes a read gives, drops
 * no more than there is, and what it would leave after a cut is a file that is good, of the same commands. */
#include "persist/aof_load.h"

#include <stdint.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/hash.h"
#include "src/base/mem.h"
#include "tests/unit/memory_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS_MAX = 3, SEPARATOR = '|' };

struct loaded {
    uint64_t commands, sum;
};

static const char *take_command(void *ctx, uint32_t argc, const struct slice *argv)
{
    struct loaded *loaded = ctx;
    ASSERT(argc > 0);
    if (slice_is(*argv, "select")) /* each part that was begun has one, also if it begins too late */
        return NULL;
    loaded->commands++;
    for (uint32_t i = 0; i < argc; i++)
        loaded->sum = hash_bytes(argv[i].ptr, argv[i].len, loaded->sum + i);
    return NULL;
}

static bool take_progress(void *ctx, uint64_t done, uint64_t total)
{
    ASSERT(done <= total);
    return true;
}

static void take_log(void *ctx, bool warning, const char *line) { ASSERT(!strchr(line, '\n')); }

static const char *take_aux(void *ctx, struct slice name, struct slice value) { return NULL; }
static const char *take_db(void *ctx, uint64_t db) { return NULL; }
static const char *take_sizes(void *ctx, uint64_t keys, uint64_t expires) { return NULL; }
static const char *take_key(void *ctx, const struct rdb_load_key *key) { return NULL; }
static const char *take_function(void *ctx, struct slice library) { return NULL; }

static int open_part(void *arg, uint32_t part) { return (int)part; }

static enum aof_load_end load(const struct slice *files, uint32_t nparts, bool base, size_t read_max,
                              struct loaded *loaded, struct aof_load_result *result)
{
    static const struct rdb_load_handlers rdb = {take_aux, take_db, take_sizes, take_key, take_function};
    static const struct aof_load_handlers handlers = {
        .command = take_command, .rdb = &rdb, .progress = take_progress, .log = take_log};
    struct aof_load_part parts[PARTS_MAX] = {{"a", base}, {"b", false}, {"c", false}};
    struct memory_disk disk = memory_disk_of(files, read_max);
    struct aof_load_config config = {
        .disk = &disk.disk, .parts = parts, .nparts = nparts, .open = open_part, .truncated = true};
    *loaded = (struct loaded){0};
    return aof_load(&config, &handlers, loaded, result);
}

static void check_cut(struct slice *files, bool base, const struct loaded *loaded, const struct aof_load_result *result)
{
    struct loaded again;
    struct aof_load_result result_again;
    files[result->part].len = result->good_bytes;
    ASSERT(load(files, result->part + 1, base, 0, &again, &result_again) == AOF_LOAD_DONE);
    ASSERT(!result_again.damaged);
    ASSERT(again.commands == loaded->commands && again.sum == loaded->sum);
    ASSERT(result_again.position == result->position && result_again.offset == result->offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice files[PARTS_MAX] = {{"", 0}};
    uint32_t nparts = 1;
    uint64_t total = 0;
    bool base = size > 0 && *data == 'B';
    files[0] = slice_of(data + base, 0);
    for (size_t i = base; i < size; i++) {
        if (data[i] == SEPARATOR && nparts < PARTS_MAX)
            files[nparts++] = slice_of(data + i + 1, 0);
        else
            files[nparts - 1].len++;
    }
    for (uint32_t i = 0; i < nparts; i++)
        total += files[i].len;

    struct loaded loaded, again;
    struct aof_load_result result, result_again;
    enum aof_load_end end = load(files, nparts, base, 0, &loaded, &result);
    ASSERT(end == load(files, nparts, base, 7, &again, &result_again));
    ASSERT(again.commands == loaded.commands && again.sum == loaded.sum);
    ASSERT(strcmp(result.error, result_again.error) == 0);
    ASSERT(end == AOF_LOAD_REFUSED ? *result.error : !*result.error);
    ASSERT(!result.damaged || (result.part < nparts && result.good_bytes <= files[result.part].len));
    ASSERT(result.dropped_bytes <= total);
    if (end == AOF_LOAD_DONE && result.cut)
        check_cut(files, base, &loaded, &result);
    return 0;
}
