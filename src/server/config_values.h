/* Inside of the configuration: values by row. Only the files config*.c use it; others read fields. */
#ifndef SKUA_SERVER_CONFIG_VALUES_H
#define SKUA_SERVER_CONFIG_VALUES_H

#include "src/server/config.h"
#include "src/server/option_values.h"

const void *config_field(const struct config *config, const struct option *o);

/* Gives o the value that the words say, if this build accepts it: see option_type.parse. On failure config may be
 * changed, and is to be thrown away. */
bool config_parse(struct config *config, const struct option *o, int argc, const char *const *argv, bool add,
                  char *error);
/* The same with the words in one text, as CONFIG SET gets them. */
bool config_parse_words(struct config *config, const struct option *o, const char *text, bool add, char *error);

/* Whether the value is the default. */
bool config_is_initial(const struct config *config, const struct option *o);

#endif
