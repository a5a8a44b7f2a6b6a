#include "tests/serial/workload.h"

#include <stdio.h>

#include "src/base/assert.h"
#include "tests/serial/model.h"

/* Of values. */
enum type { ANY, STRINGS, LISTS, SETS, TYPES };

/* What may be drawn, and how often. Words: k a key, v a new value, n a small integer, a a letter for the end of a
 * value, m a member of a set, d a database; `k..` and `k v..` stand for two to four different keys. Everything else is
 * literal. The sleep is longer than a shard waits for others (HOLD_WAIT_NS). */
static const struct shape {
    const char *text;
    uint32_t weight;
    enum type type; /* that it needs, or makes */
} shapes[] = {
    {"GET k", 16, STRINGS},
    {"SET k v", 12, STRINGS},
    {"MGET k..", 14, STRINGS},
    {"MSET k v..", 12, STRINGS},
    {"INCR k", 6, STRINGS},
    {"INCRBY k n", 3, STRINGS},
    {"DECR k", 2, STRINGS},
    {"APPEND k a", 5, STRINGS},
    {"SETNX k v", 4, STRINGS},
    {"SET k v NX", 2, STRINGS},
    {"SET k v XX", 2, STRINGS},
    {"SET k v GET", 4, STRINGS},
    {"SET k v NX GET", 2, STRINGS},
    {"GETSET k v", 3, STRINGS},
    {"GETDEL k", 5, STRINGS},
    {"MSETNX k v..", 5, STRINGS},
    {"STRLEN k", 2, STRINGS},

    {"LPUSH k v", 8, LISTS},
    {"RPUSH k v", 8, LISTS},
    {"RPUSH k v v", 6, LISTS},
    {"LPUSHX k v", 2, LISTS},
    {"RPUSHX k v", 2, LISTS},
    {"LPOP k", 8, LISTS},
    {"RPOP k", 6, LISTS},
    {"RPOP k n", 2, LISTS},
    {"LLEN k", 4, LISTS},
    {"LRANGE k 0 -1", 10, LISTS},
    {"LMOVE k k LEFT RIGHT", 8, LISTS},
    {"LMOVE k k RIGHT RIGHT", 4, LISTS},
    {"RPOPLPUSH k k", 8, LISTS},
    {"LMPOP 2 k k LEFT", 4, LISTS},
    {"LMPOP 2 k k RIGHT", 4, LISTS},

    {"SADD k m", 16, SETS},
    {"SADD k m m", 4, SETS},
    {"SREM k m", 8, SETS},
    {"SISMEMBER k m", 4, SETS},
    {"SCARD k", 2, SETS},
    {"SMEMBERS k", 12, SETS},
    {"SMOVE k k m", 16, SETS},
    {"SUNION k..", 6, SETS},
    {"SINTER k..", 3, SETS},
    {"SDIFF k..", 3, SETS},
    {"SUNIONSTORE k..", 5, SETS},
    {"SINTERSTORE k..", 4, SETS},
    {"SDIFFSTORE k..", 4, SETS},

    {"DEL k", 5, ANY},
    {"DEL k..", 4, ANY},
    {"UNLINK k..", 2, ANY},
    {"EXISTS k..", 5, ANY},
    {"TOUCH k..", 1, ANY},
    {"RENAME k k", 7, ANY},
    {"RENAMENX k k", 5, ANY},
    {"COPY k k", 4, ANY},
    {"COPY k k REPLACE", 6, ANY},
    {"TYPE k", 1, ANY},
    {"MOVE k d", 12, ANY},
    {"COPY k k DB d", 5, ANY},
    {"COPY k k DB d REPLACE", 4, ANY},
    {"SWAPDB d d", 4, ANY},
    {"FLUSHDB", 2, ANY},
    {"FLUSHALL", 1, ANY},
    {"DEBUG SLEEP 0.002", 1, ANY},
};

enum {
    SHAPES = sizeof(shapes) / sizeof(shapes[0]),
    MANY_MAX = 4,
    PIPELINE_MAX = 5,
    OPS_MIN = 20,
    OPS_MAX = 60,
    KEYS_MIN = 2,
    KEYS_MAX = 8,
    KEY_BYTES_MAX = 64,
    VALUE_STEP = 1000, /* between values, so that increments don't make them equal */
    LARGE_VALUE_MAX = 48 * 1024,
    SET_MEMBERS = 4, /* few, so that sets become empty now and then */
};

/* One plan in the making. */
struct plan {
    struct history *h;
    struct random *random;
    uint32_t types; /* mask of those that values are of */
    uint32_t weights[SHAPES], weight_sum;
    char keys[KEYS_MAX][KEY_BYTES_MAX];
    uint32_t nkeys;
    uint32_t databases; /* that clients select */
    uint32_t pipeline_max;
    uint32_t values; /* given out so far */
    bool large;      /* values long enough for the paths that don't copy */
    char large_value[LARGE_VALUE_MAX];
};

/* Key i lies on shard i, round and round. */
static void choose_keys(struct plan *p, const char *prefix)
{
    const struct key_space_shape *shape = &p->h->shape;
    p->nkeys = chance_between(p->random, KEYS_MIN, KEYS_MAX);
    for (uint32_t i = 0, suffix = 0; i < p->nkeys; suffix++) {
        int n = snprintf(p->keys[i], sizeof(p->keys[i]), "%sk%u", prefix, suffix);
        ASSERT(n > 0 && (size_t)n < sizeof(p->keys[i]));
        if (!shape->nshards || key_make(shape, slice_str(p->keys[i])).shard == i % shape->nshards)
            i++;
    }
}

/* In half of the plans all values are of one type: where types meet, many commands are errors. A few kinds of commands
 * are left out of each plan, and a few come up more. */
static void choose_mix(struct plan *p)
{
    uint32_t type = chance_between(p->random, ANY + 1, TYPES - 1);
    p->types = chance_percent(p->random, 50) ? UINT32_MAX : 1u << ANY | 1u << type;
    p->weight_sum = 0;
    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t luck = chance_below(p->random, 4);
        if (!(p->types >> shapes[i].type & 1) || (p->databases == 1 && strstr(shapes[i].text, " d")))
            luck = 0;
        p->weights[i] = luck == 0 ? 0 : shapes[i].weight * (luck == 1 ? 3 : 1);
        p->weight_sum += p->weights[i];
    }
    if (p->weight_sum == 0)
        p->weights[0] = p->weight_sum = 1;
}

/* unwatched: nobody will know when it has happened. */
static const char *draw_shape(struct plan *p, bool unwatched)
{
    uint32_t at = chance_below(p->random, p->weight_sum), i = 0;
    while (at >= p->weights[i])
        at -= p->weights[i++];
    const char *text = shapes[i].text;
    const struct model_row *row = model_row(slice_of(text, strcspn(text, " ")));
    return unwatched && (row->flags & MODEL_ALL_SHARDS) ? shapes[0].text : text;
}

static struct slice draw_key(struct plan *p) { return slice_str(p->keys[chance_below(p->random, p->nkeys)]); }

static struct slice new_value(struct plan *p)
{
    char text[KEY_BYTES_MAX];
    int n = snprintf(text, sizeof(text), "%u", ++p->values * VALUE_STEP);
    if (!p->large || chance_percent(p->random, 50))
        return history_copy(p->h, text, (size_t)n);
    uint32_t len = chance_between(p->random, LARGE_VALUE_MAX / 8, LARGE_VALUE_MAX);
    memset(p->large_value, '0' + (int)(p->values % 10), len);
    memcpy(p->large_value, text, (size_t)n);
    memcpy(p->large_value + len - (size_t)n, text, (size_t)n); /* so that a torn value shows */
    return history_copy(p->h, p->large_value, len);
}

static struct slice fill_word(struct plan *p, struct slice word)
{
    if (slice_eq(word, slice_str("k")))
        return draw_key(p);
    if (slice_eq(word, slice_str("v")))
        return new_value(p);
    if (slice_eq(word, slice_str("n")))
        return slice_of(&"123456789"[chance_below(p->random, 9)], 1);
    if (slice_eq(word, slice_str("a")))
        return slice_of(&"abcdefghij"[chance_below(p->random, 10)], 1);
    if (slice_eq(word, slice_str("m")))
        return slice_of(&"0123456789"[chance_below(p->random, SET_MEMBERS)], 1);
    if (slice_eq(word, slice_str("d")))
        return slice_of(&"01"[chance_below(p->random, HISTORY_DATABASES)], 1);
    return word;
}

/* Adds the words of "NAME k.." or "NAME k v.." to argv, which has the name already. */
static uint32_t fill_many(struct plan *p, bool with_values, struct slice *argv)
{
    uint32_t n = chance_between(p->random, 2, p->nkeys < MANY_MAX ? p->nkeys : MANY_MAX), argc = 1;
    uint32_t first = chance_below(p->random, p->nkeys);
    for (uint32_t i = 0; i < n; i++) {
        argv[argc++] = slice_str(p->keys[(first + i) % p->nkeys]);
        if (with_values)
            argv[argc++] = new_value(p);
    }
    return argc;
}

static struct op *add_op(struct plan *p, uint32_t client, bool unwatched)
{
    struct slice argv[OP_ARGS_MAX];
    uint32_t argc = 0;
    const char *text = draw_shape(p, unwatched);
    for (const char *word = text;; word++) {
        size_t len = strcspn(word, " ");
        argv[argc++] = fill_word(p, slice_of(word, len));
        word += len;
        if (!*word)
            break;
        if (argc == 1 && strstr(text, "..")) {
            argc = fill_many(p, strchr(text, 'v') != NULL, argv);
            break;
        }
    }
    return history_add(p->h, client, argc, argv);
}

/* Most pipelines are one command; in some plans all are. */
static void add_client(struct plan *p, uint32_t client, uint32_t nops, bool hangs_up)
{
    uint32_t pipeline = 0, db = chance_below(p->random, p->databases);
    while (nops > 0) {
        uint32_t n = chance_percent(p->random, 40) ? 1 : chance_between(p->random, 1, p->pipeline_max);
        n = n < nops ? n : nops;
        nops -= n;
        bool last = hangs_up && chance_percent(p->random, 30);
        for (uint32_t i = 0; i < n; i++) {
            struct op *op = add_op(p, client, last);
            db = chance_percent(p->random, 10) ? chance_below(p->random, p->databases) : db;
            op->db = db;
            op->pipeline = pipeline;
            op->hang_up = last;
        }
        pipeline++;
        hangs_up = hangs_up && !last;
    }
}

/* At what every key holds in the end, whatever type it is of. */
static void add_last_look(struct plan *p, uint32_t client)
{
    struct slice argv[OP_ARGS_MAX] = {slice_str("MGET")};
    for (uint32_t i = 0; i < p->nkeys; i++)
        argv[i + 1] = slice_str(p->keys[i]);
    for (uint32_t db = 0; db < p->databases; db++) {
        history_add(p->h, client, p->nkeys + 1, argv)->db = db;
        for (uint32_t i = 0; i < p->nkeys; i++) {
            struct slice members[] = {slice_str("SMEMBERS"), argv[i + 1]};
            struct slice elements[] = {slice_str("LRANGE"), argv[i + 1], slice_str("0"), slice_str("-1")};
            if (p->types >> SETS & 1)
                history_add(p->h, client, 2, members)->db = db;
            if (p->types >> LISTS & 1)
                history_add(p->h, client, 4, elements)->db = db;
        }
    }
}

uint32_t workload_plan(struct history *h, struct random *random, const char *prefix, bool hang_ups)
{
    struct plan p = {.h = h, .random = random};
    choose_keys(&p, prefix);
    p.databases = chance_percent(random, 50) ? HISTORY_DATABASES : 1;
    choose_mix(&p);
    p.pipeline_max = chance_percent(random, 30) ? 1 : PIPELINE_MAX;
    p.large = chance_percent(random, 3);
    uint32_t clients = chance_between(random, 3, WORKLOAD_CLIENTS_MAX);
    uint32_t nops = chance_between(random, OPS_MIN, OPS_MAX);
    for (uint32_t c = 0; c < clients; c++)
        add_client(&p, c, nops / clients, hang_ups && c == 0 && chance_percent(random, 10));
    add_last_look(&p, clients);
    return clients;
}
