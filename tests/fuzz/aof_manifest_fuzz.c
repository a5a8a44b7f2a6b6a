/* The manifest: whatever is accepted is written in a way that reads as the same, also after files were added. */
#include "persist/aof_manifest.h"

#include <stdint.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct aof_manifest *m)
{
    struct aof_manifest again = {0};
    struct aof_manifest_error error;
    size_t len, len_again;
    char *text = aof_manifest_format(m, &len);
    if (len > 0) {
        ASSERT(aof_manifest_parse(&again, slice_of(text, len), &error));
        char *text_again = aof_manifest_format(&again, &len_again);
        ASSERT(slice_eq(slice_of(text, len), slice_of(text_again, len_again)));
        mem_free(NULL, text_again);
    }
    mem_free(NULL, text);
    aof_manifest_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aof_manifest m = {0}, copy = {0};
    struct aof_manifest_error error;
    if (!aof_manifest_parse(&m, slice_of(data, size), &error)) {
        ASSERT(error.why && !m.base.name && m.history.n + m.incremental.n == 0);
        return 0;
    }
    bool long_names = false; /* escaped they may not fit a line: of files of others, not of ours */
    for (size_t i = 0, in_line = 0; i < size; i++) {
        in_line = data[i] == '\n' ? 0 : in_line + 1;
        long_names |= in_line > 200;
    }
    aof_manifest_copy(&copy, &m);
    if (!long_names)
        check_round_trip(&copy);
    aof_manifest_deinit(&m);
    if (!aof_manifest_names(&copy, "f.1.base.rdb"))
        aof_manifest_upgrade(&copy, "f.1.base.rdb");
    aof_manifest_retire(&copy, 1);
    aof_manifest_drop_history(&copy, 0);
    aof_manifest_deinit(&copy);
    return 0;
}
