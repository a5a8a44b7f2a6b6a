/* deploy/skua.conf is what the options' rows say it is. To make it anew:
 * build/src/skua-server --print-sample-config > deploy/skua.conf */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/server/config.h"

int main(void)
{
    char *argv[] = {"skua-server", "--print-sample-config", NULL}, *sample = NULL, *kept;
    struct config *config;
    size_t kept_bytes;
    FILE *file = fopen(SKUA_TOP "/deploy/skua.conf", "r"), *out = open_memstream(&kept, &kept_bytes);
    if (!file || !out || config_load(2, argv, -1, &config, &sample) != CONFIG_ANSWER)
        return 1;
    for (int c; (c = fgetc(file)) != EOF;)
        fputc(c, out);
    fclose(out);
    fclose(file);
    bool same = strcmp(kept, sample) == 0;
    if (!same)
        fprintf(stderr, "deploy/skua.conf is not current: see the head of sample_config_test.c\n");
    free(kept);
    free(sample);
    return same ? 0 : 1;
}
