/* DUMP payloads: a value as in an RDB file (rdb_value.h), then the RDB version that can be read with (16 bits) and the
 * CRC-64 of all bytes before it, both little endian. Source: Redis 7.4 cluster.c (createDumpPayload). */
#ifndef SKUA_PERSIST_DUMP_H
#define SKUA_PERSIST_DUMP_H

#include "persist/rdb_value.h"

enum { DUMP_FOOTER_BYTES = 10 };

/* The payload of an entry's value, in the oldest version that can express it. The caller owns the reference. */
struct blob *dump_entry(const struct entry *e);

/* The payload of a value that stands in an RDB file as these bytes, the type not among them. As above. */
struct blob *dump_of_value(uint8_t type, struct slice bytes);

/* Whether version and checksum of the payload are right; value then is what rdb_value_read takes. */
bool dump_open(struct slice payload, struct slice *value);

#endif
