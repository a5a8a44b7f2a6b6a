/* What the types of options share: texts as values, and how values are written to a file. */
#ifndef SKUA_SERVER_OPTION_VALUES_H
#define SKUA_SERVER_OPTION_VALUES_H

#include "src/server/option.h"

/* The caller owns the result, for mem_free. */
char *option_copy_text(const char *text);

/* Members of struct option_type for values that are one owned text. */
void option_set_text(void *field, const char *text);
void option_text_print(const struct option *o, const void *field, FILE *out);
bool option_text_print_line(const struct option *o, const void *field, unsigned i, FILE *out);
void option_text_own(void *field);
void option_text_free(void *field);

/* With the largest unit that divides them: 64mb. */
void option_print_bytes(uint64_t bytes, FILE *out);

/* As one word of a line of the file: in double quotes, with escapes that reading it undoes. */
void option_print_quoted(const char *text, FILE *out);

#endif
