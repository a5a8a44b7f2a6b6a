/* What tells clients apart: the line that CLIENT LIST and CLIENT INFO have for each, and their types. On the client's
 * home worker only. */
#ifndef SKUA_SERVER_CLIENT_INFO_H
#define SKUA_SERVER_CLIENT_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"

struct client;
struct reply;

/* As in Redis's filters. Replicas and masters come with replication. */
enum client_type { CLIENT_NORMAL, CLIENT_REPLICA, CLIENT_PUBSUB, CLIENT_MASTER };

/* By the name that filters use ("normal", "slave", ...), in any case; false: there is no such type. */
bool client_type_parse(struct slice name, enum client_type *type);
enum client_type client_type_of(const struct client *c);

/* Whole seconds since it connected. */
int64_t client_age_seconds(const struct client *c);

/* Appends the line with all fields of Redis 7.4 in its order, and a newline, to out's bytes (it is no reply yet). */
void client_print_line(const struct client *c, struct reply *out);

#endif
