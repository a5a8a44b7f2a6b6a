#include "src/cmd/zset_common.h"

#include "src/cmd/error.h"

static bool opened(struct cmd *c, enum status status)
{
    if (status)
        error_reply(c->reply, status);
    return !status;
}

bool zset_open_to_read(struct cmd *c, uint32_t i, struct zset *z)
{
    return opened(c, zset_read(cmd_keyspace(c, i), c->db, &c->keys[i], z));
}

bool zset_open_to_write(struct cmd *c, uint32_t i, struct zset *z)
{
    return opened(c, zset_write(cmd_keyspace(c, i), c->db, &c->keys[i], z));
}

void zset_give_member(void *reply, struct slice member, double score) { reply_bulk_slice(reply, member); }

void zset_give_scored(void *reply, struct slice member, double score)
{
    reply_bulk_slice(reply, member);
    reply_double(reply, score);
}

void zset_give_pair(void *reply, struct slice member, double score)
{
    reply_array(reply, 2);
    zset_give_scored(reply, member, score);
}

zset_visit *zset_reply_begin(struct reply *r, uint64_t n, bool scores)
{
    bool pairs = scores && r->resp > 2;
    reply_array(r, (int64_t)(scores && !pairs ? 2 * n : n));
    return pairs ? zset_give_pair : scores ? zset_give_scored : zset_give_member;
}
