#include "src/cmd/execute.h"

#include "shard/effects.h"
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/planted.h"
#include "src/base/shared.h"
#include "src/wire/parse.h"

void execute(struct cmd *c)
{
    c->row->run(c);
    if (PLANTED(PLANTED_EFFECT_MISSING) && c->nkeys == 2)
        c->changed = false;
    if (c->changed && !c->effects_given && c->effects)
        effects_add(c->effects, c->db, c->argc, c->argv);
}

static struct shard *shard_of(const struct cmd *c, const struct key *key)
{
    SHARED_OP(); /* it may be lent */
    struct shard *s = c->shards[key->shard];
    ASSERT(s->user == c->executor);
    return s;
}

struct shard *cmd_shard(const struct cmd *c, uint32_t i)
{
    ASSERT(i < c->nkeys);
    return shard_of(c, &c->keys[i]);
}

struct keyspace *cmd_keyspace(const struct cmd *c, uint32_t i) { return cmd_shard(c, i)->keyspace; }

struct keyspace *cmd_keyspace_of(const struct cmd *c, const struct key *key) { return shard_of(c, key)->keyspace; }

struct blob *cmd_take_blob(struct cmd *c, uint32_t i)
{
    struct arg_blobs *blobs = c->blobs;
    if (c->argv[i].len < PARSE_DIRECT_BYTES_MIN)
        return NULL; /* a quoted word of an inline command: a value like any other */
    uint32_t low = 0, high = blobs ? blobs->n : 0;
    while (low < high) { /* they are in the order of arguments, of which a client may send very many */
        uint32_t mid = low + (high - low) / 2;
        if (blobs->v[mid].arg < c->arg_first + i)
            low = mid + 1;
        else
            high = mid;
    }
    if (!blobs || low == blobs->n || blobs->v[low].arg != c->arg_first + i)
        return NULL;
    struct blob *blob = blobs->v[low].blob;
    /* For the journal the arguments are read once more after the command ran. Until then they must be there, even if
     * the command itself has replaced the value by another (MSET k a k b). */
    if (blob && c->effects)
        return blob_hold(blob);
    blobs->v[low].blob = NULL;
    return blob;
}

void cmd_changed(struct cmd *c) { c->changed = true; }

void cmd_effect(struct cmd *c, uint32_t argc, const struct slice *argv)
{
    c->effects_given = true;
    if (c->effects)
        effects_add(c->effects, c->db, argc, argv);
}

void cmd_effect_begin(struct cmd *c, uint32_t argc)
{
    c->effects_given = true;
    if (c->effects)
        effects_begin(c->effects, c->db, argc);
}

void cmd_effect_word(struct cmd *c, struct slice word)
{
    if (c->effects)
        effects_word(c->effects, word);
}
