/* A stream as the commands that make it again, for the base of an append-only file: its messages, then what it knows of
 * the past, then its groups with what their consumers have pending. As redis-server writes it (7.4 aof.c,
 * rewriteStreamObject), so either server makes the same of it. What is pending of messages that the stream has no more
 * is lost by that, as there. */
#ifndef SKUA_PERSIST_AOF_STREAM_H
#define SKUA_PERSIST_AOF_STREAM_H

#include "shard/effects.h"
#include "shard/type/stream.h"

/* Called after each command. */
typedef void aof_stream_added(void *arg);

void aof_stream_write(struct effects *to, uint32_t db, struct slice key, const struct stream *s,
                      aof_stream_added *added, void *arg);

#endif
