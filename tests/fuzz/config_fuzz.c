/* Configuration files: whatever the text, it is read or refused with an explanation; what is read can be shown, copied,
 * and read again from what is shown. Lines with include are left out, as they would read the machine's files. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/assert.h"
#include "src/server/config_file.h"
#include "src/server/config_values.h"

/* Every value, set again as CONFIG GET shows it, stays what it is. */
static void check_values(const struct config *config)
{
    char error[OPTION_ERROR_BYTES];
    struct config *copy = config_copy(config);
    for (unsigned i = 0; i < options_count; i++) {
        if (!options[i].type)
            continue;
        char *value = config_value(config, &options[i]);
        /* A word of bind may have spaces in it if it was quoted: its text does not tell. */
        if (options[i].type != &option_type_BIND && options[i].type != &option_type_REPLICAOF) {
            ASSERT(config_parse_words(copy, &options[i], value, false, error));
            char *again = config_value(copy, &options[i]);
            ASSERT(strcmp(value, again) == 0);
            free(again);
        }
        free(value);
    }
    config_release(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t bytes;
    for (size_t i = 0; i + 7 <= size; i++)
        if (strncasecmp((const char *)data + i, "include", 7) == 0 || memchr(data, '\\', size))
            return -1; /* an escape may spell it, too; reading those is split's matter, which has a target of its own */
    FILE *error = open_memstream(&text, &bytes);
    struct config_reader r = {.config = config_create(), .product = "Skua", .error = error};
    bool good = config_file_read(&r, slice_of((const char *)data, size), NULL);
    fclose(error);
    ASSERT(good == (bytes == 0));
    if (good)
        check_values(r.config);
    config_release(r.config);
    free(text);
    return 0;
}
