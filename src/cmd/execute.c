#include "src/cmd/execute.h"

#include "shard/effects.h"
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/shared.h"
#include "src/wire/parse.h"

void execute(struct cmd *c)
{
    c->row->run(c);
    if (c->changed && !c->effects_given && c->effects)
        effects_add(c->effects, c->db, c->argc, c->argv);
}

struct shard *cmd_shard(const struct cmd *c, uint32_t i)
{
    ASSERT(i < c->nkeys);
    SHARED_OP(); /* it may be lent */
    struct shard *s = c->shards[c->keys[i].shard];
    ASSERT(s->user == c->executor);
    return s;
}

struct keyspace *cmd_keyspace(const struct cmd *c, uint32_t i) { return cmd_shard(c, i)->keyspace; }

struct blob *cmd_take_blob(struct cmd *c, uint32_t i)
{
    for (uint32_t k = 0; c->blobs && k < c->blobs->n; k++)
        if (c->blobs->v[k].arg == c->arg_first + i) {
            struct blob *b = c->blobs->v[k].blob;
            c->blobs->v[k].blob = NULL;
            return b;
        }
    return NULL;
}

void cmd_changed(struct cmd *c) { c->changed = true; }

void cmd_effect(struct cmd *c, uint32_t argc, const struct slice *argv)
{
    c->effects_given = true;
    if (c->effects)
        effects_add(c->effects, c->db, argc, argv);
}
