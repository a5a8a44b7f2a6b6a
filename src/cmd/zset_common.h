/* What the files of sorted set commands share: looking up the set, giving members as a reply, adding. */
#ifndef SKUA_CMD_ZSET_COMMON_H
#define SKUA_CMD_ZSET_COMMON_H

#include "shard/type/zset_range.h"
#include "src/cmd/command.h"

/* The set at the i-th key, to read it or to write it. False: it answered an error. */
bool zset_open_to_read(struct cmd *c, uint32_t i, struct zset *z);
bool zset_open_to_write(struct cmd *c, uint32_t i, struct zset *z);

/* Each writes a member to the struct reply that it is given: alone, with its score behind it, or both as an array. */
zset_visit zset_give_member, zset_give_scored, zset_give_pair;

/* Begins a reply of n members, which the function that is returned gives: with scores these are the elements behind
 * them in RESP2, and in RESP3 each member is a pair with its score. */
zset_visit *zset_reply_begin(struct reply *r, uint64_t n, bool scores);

/* The handler of ZADD, which other commands are in other words. */
command_fn zset_zadd;

#endif
