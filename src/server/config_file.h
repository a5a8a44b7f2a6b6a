/* Reads configuration files: lines of words, comments, includes. */
#ifndef SKUA_SERVER_CONFIG_FILE_H
#define SKUA_SERVER_CONFIG_FILE_H

#include <stdio.h>

#include "src/base/slice.h"
#include "src/server/config.h"
#include "src/server/option.h"

enum { CONFIG_INCLUDES_MAX = 256, CONFIG_FILE_BYTES_MAX = 16 * 1024 * 1024 };

/* One run over a file with all that it includes. */
struct config_reader {
    struct config *config; /* changed; after a failure to be thrown away */
    const char *product;   /* named in the error: "Redis 7.4.0" */
    FILE *error;           /* a mistake is explained here */
    uint64_t seen[4];      /* rows that a line was read for: see option_type.parse, add */
    int includes;          /* so far */
};

/* Reads the lines of text. file is what they come from: NULL for the configuration file itself (with what follows it
 * from standard input and the command line), else an included file. False: there was a mistake. */
bool config_file_read(struct config_reader *r, struct slice text, const char *file);

/* Appends the content of a file (of all that match, if path is a glob pattern; there may be none) to out. False: it
 * can't be read, and the reader's error says why. A relative path counts from directory. */
bool config_file_load(struct config_reader *r, const char *path, const char *directory, FILE *out);

/* The rest of in, of at most CONFIG_FILE_BYTES_MAX. False sets errno. */
bool config_file_copy(FILE *in, FILE *out);

/* Splits a line into words, which the caller frees with config_words_free. NULL: quotes don't match. A word with a NUL
 * byte ends there. *argc may be 0. */
char **config_words(struct slice line, int *argc);
void config_words_free(char **argv, int argc);

/* Without the white space at both ends. */
struct slice config_trim(struct slice line);

#endif
