#include "tests/serial/workload.h"

#include <stdio.h>

#include "src/base/assert.h"
#include "tests/serial/model.h"

/* What may be drawn, and how often. Words: k a key, v a new value, n a small integer, a a letter for the end of a
 * value, d a database; `k..` and `k v..` stand for two to four different keys. Everything else is literal. The sleep is
 * longer than a shard waits for others (HOLD_WAIT_NS). */
static const struct shape {
    const char *text;
    uint32_t weight;
} shapes[] = {
    {"GET k", 16},           {"SET k v", 12},
    {"MGET k..", 14},        {"MSET k v..", 12},
    {"INCR k", 6},           {"INCRBY k n", 3},
    {"DECR k", 2},           {"APPEND k a", 5},
    {"SETNX k v", 4},        {"SET k v NX", 2},
    {"SET k v XX", 2},       {"SET k v GET", 4},
    {"SET k v NX GET", 2},   {"GETSET k v", 3},
    {"GETDEL k", 5},         {"DEL k", 5},
    {"DEL k..", 4},          {"UNLINK k..", 2},
    {"EXISTS k..", 5},       {"TOUCH k..", 1},
    {"MSETNX k v..", 5},     {"RENAME k k", 7},
    {"RENAMENX k k", 5},     {"COPY k k", 4},
    {"COPY k k REPLACE", 6}, {"STRLEN k", 2},
    {"TYPE k", 1},           {"MOVE k d", 12},
    {"COPY k k DB d", 5},    {"COPY k k DB d REPLACE", 4},
    {"SWAPDB d d", 4},       {"FLUSHDB", 2},
    {"FLUSHALL", 1},         {"DEBUG SLEEP 0.002", 1},
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
};

/* One plan in the making. */
struct plan {
    struct history *h;
    struct random *random;
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

/* A few kinds of commands are left out of each plan, and a few come up more. */
static void choose_mix(struct plan *p)
{
    p->weight_sum = 0;
    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t luck = chance_below(p->random, 4);
        if (p->databases == 1 && strstr(shapes[i].text, " d"))
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

static void add_last_look(struct plan *p, uint32_t client)
{
    struct slice argv[OP_ARGS_MAX] = {slice_str("MGET")};
    for (uint32_t i = 0; i < p->nkeys; i++)
        argv[i + 1] = slice_str(p->keys[i]);
    for (uint32_t db = 0; db < p->databases; db++)
        history_add(p->h, client, p->nkeys + 1, argv)->db = db;
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
