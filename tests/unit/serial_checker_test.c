/* The checker of tests/serial: it accepts what is serializable by construction, rejects bugs that are planted in such
 * histories (each in a way that no order can explain, which is said where it is planted), and agrees with a search that
 * has no shortcuts on small histories of all kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/assert.h"
#include "tests/serial/chance.h"
#include "tests/serial/checker.h"
#include "tests/serial/mimic.h"
#include "tests/serial/model.h"
#include "tests/serial/workload.h"
#include "tests/unit/random_cases.h"

enum {
    STEPS_MAX = 1000 * 1000,
    ACTORS = 8, /* numbers of the clients of a planted part begin here */
    LAST = 31,  /* the client that plays when all others have ended */
    ROUNDS = 6,
    FOUR_SHARDS = 4,
    TRIES_MAX = 1000, /* histories searched for a place to plant a bug in */
};

static enum verdict verdict_of(const struct history *h) { return checker_run(h, STEPS_MAX, NULL); }

/* Histories written out: one line an operation, "client sent answered reply command", - for never answered. Before a
 * command for another database than 0 stands its number: "@1 GET x". */

static void read_history(struct history *h, const char *const *lines)
{
    for (; *lines; lines++) {
        unsigned client, sent;
        char answered[16], reply[64];
        int command;
        ASSERT(sscanf(*lines, "%u %u %15s %63s %n", &client, &sent, answered, reply, &command) == 4);
        const char *text = *lines + command;
        struct op *op = history_add_text(h, client, text[0] == '@' ? text + 3 : text);
        op->db = text[0] == '@' ? (uint32_t)(text[1] - '0') : 0;
        op->invoked = sent;
        op->answered = strcmp(answered, "-") == 0 ? EVENT_NEVER : strtoull(answered, NULL, 10);
        char resp[80];
        if (strchr("+-:", reply[0]))
            snprintf(resp, sizeof(resp), "%s\r\n", reply);
        else if (strcmp(reply, "nil") == 0)
            snprintf(resp, sizeof(resp), "$-1\r\n");
        else
            snprintf(resp, sizeof(resp), "$%zu\r\n%s\r\n", strlen(reply), reply);
        op->reply = history_copy(h, resp, strlen(resp));
    }
}

static enum verdict judge(enum pipeline_order order, const char *const *lines)
{
    struct history h;
    history_init(&h);
    h.order = order;
    h.shape = (struct key_space_shape){.nshards = FOUR_SHARDS};
    read_history(&h, lines);
    enum verdict verdict = verdict_of(&h);
    history_clear(&h);
    return verdict;
}

#define HISTORY(...)              ((const char *const[]){__VA_ARGS__, NULL})
#define assert_serial(...)        assert_int_equal(judge(PIPELINE_RELAXED, HISTORY(__VA_ARGS__)), VERDICT_SERIAL)
#define assert_broken(...)        assert_int_equal(judge(PIPELINE_RELAXED, HISTORY(__VA_ARGS__)), VERDICT_NOT_SERIAL)
#define assert_serial_strict(...) assert_int_equal(judge(PIPELINE_STRICT, HISTORY(__VA_ARGS__)), VERDICT_SERIAL)
#define assert_broken_strict(...) assert_int_equal(judge(PIPELINE_STRICT, HISTORY(__VA_ARGS__)), VERDICT_NOT_SERIAL)

static void test_real_time(void **state)
{
    assert_serial("0 1 2 +OK SET x 1", "1 3 4 1 GET x");
    assert_broken("0 1 2 +OK SET x 1", "1 3 4 nil GET x");
    /* while a write is under way both are possible, but not the old value after the new one */
    assert_serial("0 1 9 +OK SET x 1", "1 2 3 nil GET x", "1 4 5 1 GET x");
    assert_broken("0 1 9 +OK SET x 1", "1 2 3 1 GET x", "2 4 5 nil GET x");
    /* two clients cannot see two writes in different orders */
    assert_broken("0 1 9 +OK SET x 1", "1 1 9 +OK SET x 2", "2 2 3 1 GET x", "2 4 5 2 GET x", "3 2 3 2 GET x",
                  "3 4 5 1 GET x");
}

static void test_unanswered(void **state)
{
    assert_serial("0 1 - nil SET x 1", "1 2 3 nil GET x", "1 8 9 1 GET x");
    assert_serial("0 1 - nil SET x 1", "1 2 3 nil GET x");
    assert_broken("0 1 - nil SET x 1", "1 2 3 1 GET x", "1 4 5 nil GET x");
    assert_broken("0 5 - nil SET x 1", "1 2 3 1 GET x");                     /* not before it was sent */
    assert_broken("0 1 - nil INCR x", "1 2 3 :2 INCR x", "1 4 5 :4 INCR x"); /* not twice */
}

/* With this shape and seed 0 the keys a and b lie on different shards, which test_pipelines makes sure of. */
static void test_pipelines(void **state)
{
    struct key_space_shape shape = {.nshards = FOUR_SHARDS};
    assert_int_not_equal(key_make(&shape, slice_str("a")).shard, key_make(&shape, slice_str("b")).shard);
    /* one key: in order, though both were under way at once */
    assert_broken("0 1 4 +OK SET a 1", "0 1 5 nil GET a");
    assert_broken("0 1 4 nil GET a", "0 1 5 +OK SET a 1", "1 2 3 1 GET a", "2 4 5 nil STRLEN a");
    /* two keys: may overlap, unless the order is strict */
    assert_serial("0 1 8 +OK SET a 1", "0 1 9 +OK SET b 1", "1 2 3 1 GET b", "1 4 5 nil GET a");
    assert_broken_strict("0 1 8 +OK SET a 1", "0 1 9 +OK SET b 1", "1 2 3 1 GET b", "1 4 5 nil GET a");
    assert_serial_strict("0 1 8 +OK SET a 1", "0 1 9 +OK SET b 1", "1 2 3 nil GET b", "1 4 5 1 GET a");
    /* a signal does not overtake what it announces, but may be overtaken */
    assert_broken("9 1 2 +OK SET b 1", "0 3 8 +OK SET a 1", "0 3 9 :1 DEL b", "1 4 5 :0 EXISTS b", "1 6 7 nil GET a");
    assert_serial("9 1 2 +OK SET b 1", "0 3 8 :1 DEL b", "0 3 9 +OK SET a 1", "1 4 5 1 GET a", "1 6 7 :1 EXISTS b");
    /* what needs both shards waits, and is waited for */
    assert_broken("0 1 8 +OK SET a 1", "0 1 9 +OK MSET a 2 b 2", "1 2 3 2 GET b", "2 4 5 1 GET a");
    assert_broken("0 1 8 +OK MSET a 1 b 1", "0 1 9 +OK SET a 2", "1 2 3 2 GET a", "2 4 5 nil GET b");
}

static void test_databases(void **state)
{
    assert_serial("0 1 2 +OK @1 SET x 1", "1 3 4 nil GET x", "1 5 6 1 @1 GET x");
    assert_broken("0 1 2 +OK @1 SET x 1", "1 3 4 1 GET x");
    /* a key is in one of two databases, not in both or none */
    assert_serial("0 1 2 +OK SET x 1", "0 3 8 :1 MOVE x 1", "1 4 5 nil GET x", "1 6 7 1 @1 GET x");
    assert_broken("0 1 2 +OK SET x 1", "0 3 8 :1 MOVE x 1", "1 4 5 nil GET x", "1 6 7 nil @1 GET x");
    assert_broken("0 1 2 +OK SET x 1", "0 3 8 :1 MOVE x 1", "1 4 5 1 @1 GET x", "1 6 7 1 GET x");
    assert_broken("0 1 2 +OK SET x 1", "0 3 4 :1 COPY x y DB 1", "1 5 6 1 GET y");
    /* whole databases change at once: not key by key */
    assert_serial("0 1 2 +OK MSET a 1 b 1", "0 3 8 +OK SWAPDB 0 1", "1 4 5 nil GET a", "1 6 7 1 @1 GET b");
    assert_broken("0 1 2 +OK MSET a 1 b 1", "0 3 8 +OK SWAPDB 0 1", "1 4 5 nil GET a", "1 6 7 1 GET b");
    assert_serial("0 1 2 +OK MSET a 1 b 1", "0 3 8 +OK FLUSHALL", "1 4 5 1 GET a", "1 6 7 nil GET b");
    assert_broken("0 1 2 +OK MSET a 1 b 1", "0 3 8 +OK FLUSHALL", "1 4 5 nil GET a", "1 6 7 1 GET b");
    assert_broken("0 1 2 +OK @1 SET a 1", "0 3 4 +OK FLUSHDB", "0 5 6 nil @1 GET a");
    assert_broken("0 1 2 +OK @1 SET a 1", "0 3 4 +OK FLUSHALL", "0 5 6 1 @1 GET a");
    /* what stops all shards waits for earlier commands of its connection, and later ones wait for it */
    assert_broken("0 1 8 +OK SET a 1", "0 1 9 +OK DEBUG SLEEP 0", "0 1 10 +OK SET b 1", "1 2 3 1 GET b",
                  "1 4 5 nil GET a");
}

static void test_first_bad_event(void **state)
{
    struct history h;
    history_init(&h);
    read_history(&h, HISTORY("0 1 2 +OK SET x 1", "1 3 4 1 GET x", "1 5 6 7 GET x", "1 8 9 1 GET x"));
    assert_int_equal(checker_first_bad_event(&h, STEPS_MAX), 6);
    history_clear(&h);
}

static void test_undecided(void **state)
{
    struct history h;
    history_init(&h);
    read_history(&h, HISTORY("0 1 9 +OK SET x 1", "1 1 9 +OK SET x 2", "2 1 9 +OK SET x 3", "3 10 11 4 GET x"));
    assert_int_equal(checker_run(&h, 3, NULL), VERDICT_UNDECIDED);
    assert_int_equal(checker_run(&h, STEPS_MAX, NULL), VERDICT_NOT_SERIAL);
    history_clear(&h);
}

/* Planted bugs. A plan consists of noise (a random workload on keys of its own) and of the part that the bug is planted
 * in, whose keys g0 and g1 nobody else writes; a reader may tie both together, so that they cannot be checked apart.
 * Reads more than those of the part only add constraints, so what the part alone makes impossible stays impossible. */

__attribute__((format(printf, 3, 4))) static void act(struct history *h, uint32_t actor, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    uint32_t earlier = 0;
    for (uint32_t i = 0; i < h->nops; i++)
        earlier += h->ops[i].client == ACTORS + actor;
    history_add_text(h, ACTORS + actor, text)->pipeline = earlier;
}

/* Puts the operation that was added last into the pipeline of the one before it. */
static void join_pipeline(struct history *h)
{
    ASSERT(h->nops >= 2 && h->ops[h->nops - 1].client == h->ops[h->nops - 2].client);
    h->ops[h->nops - 1].pipeline = h->ops[h->nops - 2].pipeline;
}

static void set_reply(struct history *h, struct op *op, const char *text)
{
    op->reply = history_copy(h, text, strlen(text));
}

static bool is_command(const struct op *op, uint32_t actor, const char *name)
{
    return op->client == ACTORS + actor && slice_is(op->argv[0], name);
}

/* The number of the last write to g0 of actor 0 (whose n-th SET writes n) that was surely done before event; 0: none.
 */
static uint32_t writes_done(const struct history *h, uint64_t event)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->nops; i++)
        n += is_command(&h->ops[i], 0, "SET") && h->ops[i].answered < event;
    return n;
}

static void plan_writer_and_readers(struct history *h)
{
    for (int i = 1; i <= ROUNDS; i++)
        act(h, 0, "SET g0 %d", i);
    for (int i = 0; i < ROUNDS; i++) {
        act(h, 1, "GET g0");
        act(h, 2, "GET g0");
    }
}

/* A read returns what had been overwritten before the read was sent. */
static bool plant_stale_read(struct history *h, struct op *op)
{
    uint32_t n = writes_done(h, op->invoked);
    if (!is_command(op, 1, "GET") || n < 2)
        return false;
    char text[32];
    snprintf(text, sizeof(text), "$1\r\n%u\r\n", n - 1);
    set_reply(h, op, text);
    return true;
}

/* A read returns what was sent to be written only after the read had been answered. */
static bool plant_future_read(struct history *h, struct op *op)
{
    uint32_t sent = 0;
    for (uint32_t i = 0; i < h->nops; i++)
        sent += is_command(&h->ops[i], 0, "SET") && h->ops[i].invoked < op->answered;
    if (!is_command(op, 1, "GET") || sent >= ROUNDS)
        return false;
    char text[32];
    snprintf(text, sizeof(text), "$1\r\n%u\r\n", sent + 1);
    set_reply(h, op, text);
    return true;
}

/* A read returns a value, and one that is sent after its answer the value before: the write of the new one may not even
 * have been answered. */
static bool plant_inversion(struct history *h, struct op *op)
{
    for (uint32_t i = 0; i < h->nops; i++) {
        struct op *later = &h->ops[i];
        if (is_command(op, 1, "GET") && is_command(later, 2, "GET") && op->answered < later->invoked) {
            set_reply(h, op, "$1\r\n2\r\n");
            set_reply(h, later, "$1\r\n1\r\n");
            return true;
        }
    }
    return false;
}

static void plan_counter(struct history *h)
{
    for (int i = 0; i < ROUNDS; i++)
        for (uint32_t actor = 0; actor < 3; actor++)
            act(h, actor, "INCR g0");
}

/* A lost update: two increments return the same number. */
static bool plant_lost_update(struct history *h, struct op *op)
{
    for (uint32_t i = 0; i < h->nops; i++) {
        if (is_command(op, 1, "INCR") && is_command(&h->ops[i], 2, "INCR")) {
            op->reply = h->ops[i].reply;
            return true;
        }
    }
    return false;
}

static void plan_twins(struct history *h)
{
    for (int i = 1; i <= ROUNDS; i++) {
        act(h, 0, "MSET g0 %d g1 %d", i, i);
        act(h, 1, "MGET g0 g1");
        act(h, 2, "MSET g0 %d g1 %d", 10 + i, 10 + i);
    }
}

/* A torn MSET: one key is read with the value of a write, the other without. */
static bool plant_torn_mset(struct history *h, struct op *op)
{
    if (!is_command(op, 1, "MGET"))
        return false;
    set_reply(h, op, "*2\r\n$1\r\n3\r\n$1\r\n4\r\n");
    return true;
}

static void plan_wanderer(struct history *h)
{
    act(h, 0, "SET g0 token");
    for (int i = 0; i < ROUNDS; i++) {
        act(h, 0, i % 2 ? "RENAME g1 g0" : "RENAME g0 g1");
        act(h, 1, "EXISTS g0 g1");
    }
}

/* A RENAME half done: the value is seen under no name, or under both. */
static bool plant_half_rename(struct history *h, struct op *op)
{
    if (!is_command(op, 1, "EXISTS") || writes_done(h, op->invoked) == 0)
        return false;
    set_reply(h, op, op->invoked % 2 ? ":0\r\n" : ":2\r\n");
    return true;
}

static void plan_pipelines(struct history *h)
{
    for (int i = 1; i <= ROUNDS; i++) {
        act(h, 0, "SET g0 %d", i);
        act(h, 0, "GET g0");
        join_pipeline(h);
    }
}

/* Commands of one connection on one key change places: a read returns what was there before its predecessor wrote. */
static bool plant_reordering(struct history *h, struct op *op)
{
    if (!is_command(op, 0, "GET") || op->pipeline < 2)
        return false;
    char text[32];
    snprintf(text, sizeof(text), "$1\r\n%u\r\n", writes_done(h, op->invoked));
    set_reply(h, op, text);
    return true;
}

static void plan_announcer(struct history *h)
{
    for (int i = 1; i <= ROUNDS; i++) {
        act(h, 0, "SETNX g1 locked");
        act(h, 0, "SET g0 %d", i);
        act(h, 0, "DEL g1");
        join_pipeline(h);
        act(h, 1, "MGET g0 g1");
    }
}

/* A signal overtakes: after a lock has been taken, it is seen gone before what it protected was written. */
static bool plant_overtaking(struct history *h, struct op *op)
{
    uint32_t locks = 0;
    for (uint32_t i = 0; i < h->nops; i++)
        locks += is_command(&h->ops[i], 0, "SETNX") && h->ops[i].answered < op->invoked;
    if (!is_command(op, 1, "MGET") || locks < 2)
        return false;
    char text[32];
    snprintf(text, sizeof(text), "*2\r\n$1\r\n%u\r\n$-1\r\n", locks - 1);
    set_reply(h, op, text);
    return true;
}

static const struct planting {
    const char *name;
    void (*plan)(struct history *h);
    bool (*plant)(struct history *h, struct op *op); /* false if op is not a place for it */
} plantings[] = {
    {"stale read", plan_writer_and_readers, plant_stale_read},
    {"read from the future", plan_writer_and_readers, plant_future_read},
    {"new value, then old value", plan_writer_and_readers, plant_inversion},
    {"lost update", plan_counter, plant_lost_update},
    {"torn MSET", plan_twins, plant_torn_mset},
    {"half a RENAME", plan_wanderer, plant_half_rename},
    {"reordered connection", plan_pipelines, plant_reordering},
    {"overtaking signal", plan_announcer, plant_overtaking},
};

static void make_noise(struct history *h, struct random *random)
{
    history_init(h);
    h->order = chance_percent(random, 50) ? PIPELINE_STRICT : PIPELINE_RELAXED;
    h->shape = (struct key_space_shape){.seed = random_u64(random), .nshards = FOUR_SHARDS};
    uint32_t clients = workload_plan(h, random, "noise", false);
    for (uint32_t i = 0; i < h->nops; i++)
        if (h->ops[i].client == clients)
            h->ops[i].client = LAST;
}

/* Takes out what works on whole databases. */
static void keep_to_keys(struct history *h)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->nops; i++)
        if (!(h->ops[i].row->flags & MODEL_ALL_SHARDS))
            h->ops[n++] = h->ops[i];
    h->nops = n;
}

/* Noise, the part, and perhaps what ties both together. */
static void make_plan(struct history *h, struct random *random, const struct planting *planting)
{
    make_noise(h, random);
    keep_to_keys(h);
    struct slice noise_key = h->keys[0];
    planting->plan(h);
    for (int i = 0; i < ROUNDS && chance_percent(random, 70); i++)
        act(h, 4, "MGET g0 %.*s g1", (int)noise_key.len, noise_key.ptr);
    mimic_play(h, random, LAST);
}

/* Plants at the first fitting place after a random one. */
static bool plant(struct history *h, struct random *random, const struct planting *planting)
{
    uint32_t start = chance_below(random, h->nops);
    for (uint32_t i = 0; i < h->nops; i++)
        if (planting->plant(h, &h->ops[(start + i) % h->nops]))
            return true;
    return false;
}

/* Whether the search gave up; a wrong verdict fails the test. */
static bool expect(const struct history *h, enum verdict right, const char *what)
{
    enum verdict verdict = verdict_of(h);
    if (verdict != right && verdict != VERDICT_UNDECIDED) {
        history_print(h, stderr);
        fail_msg("verdict %d, but it is %d: %s", verdict, right, what);
    }
    return verdict == VERDICT_UNDECIDED;
}

static void test_noise(void **state)
{
    struct random random;
    long cases = random_cases(&random, 500), undecided = 0;
    for (long i = 0; i < cases; i++) {
        struct history h;
        make_noise(&h, &random);
        mimic_play(&h, &random, LAST);
        undecided += expect(&h, VERDICT_SERIAL, "serializable");
        history_clear(&h);
    }
    printf("%ld undecided\n", undecided);
    assert_true(undecided <= 1 + cases / 100);
}

static void test_planted_bugs(void **state)
{
    struct random random;
    long cases = random_cases(&random, 100), undecided = 0;
    const size_t nplantings = sizeof(plantings) / sizeof(plantings[0]);
    for (size_t p = 0; p < nplantings; p++) {
        long planted = 0;
        /* not every history has a place for the bug */
        for (long i = 0; i < cases || (planted == 0 && i < TRIES_MAX); i++) {
            struct history h;
            make_plan(&h, &random, &plantings[p]);
            undecided += expect(&h, VERDICT_SERIAL, "serializable");
            if (plant(&h, &random, &plantings[p])) {
                undecided += expect(&h, VERDICT_NOT_SERIAL, plantings[p].name);
                planted++;
            }
            history_clear(&h);
        }
        printf("%s: planted %ld times\n", plantings[p].name, planted);
        assert_true(planted > 0);
    }
    printf("%ld undecided\n", undecided);
    assert_true(undecided <= (long)nplantings + cases / 20);
}

/* The search without memory, parts and shortcuts. */

static bool must_precede(const struct history *h, uint32_t a, uint32_t b)
{
    const struct op *x = &h->ops[a], *y = &h->ops[b];
    return x->answered < y->invoked || (a < b && history_in_order(h, x, y));
}

static bool naive_search(const struct history *h, struct model *model, uint32_t taken, const uint32_t *store)
{
    bool complete = true;
    for (uint32_t i = 0; i < h->nops; i++) {
        bool free_to_go = !(taken & 1u << i);
        complete &= !free_to_go || h->ops[i].answered == EVENT_NEVER;
        for (uint32_t a = 0; a < h->nops; a++)
            free_to_go &= a == i || (taken & 1u << a) || !must_precede(h, a, i);
        if (!free_to_go)
            continue;
        uint32_t after[HISTORY_CELLS_MAX];
        memcpy(after, store, sizeof(after));
        struct slice reply = model_apply(model, &h->ops[i], after);
        if ((h->ops[i].answered == EVENT_NEVER || slice_eq(reply, h->ops[i].reply)) &&
            naive_search(h, model, taken | 1u << i, after))
            return true;
    }
    return complete;
}

static enum verdict naive_verdict(const struct history *h)
{
    struct model model;
    uint32_t store[HISTORY_CELLS_MAX] = {0};
    model_init(&model);
    bool serial = naive_search(h, &model, 0, store);
    model_deinit(&model);
    return serial ? VERDICT_SERIAL : VERDICT_NOT_SERIAL;
}

/* Few commands on the keys a and b in two databases, of one to three clients; then perhaps replies change places or get
 * lost. */
static void make_small(struct history *h, struct random *random)
{
    static const char *const texts[] = {
        "SET a 1",    "SET b 1",       "SET a 2",  "GET a",      "GET b",      "INCR a",
        "INCR b",     "MSET a 5 b 5",  "MGET a b", "DEL a",      "DEL a b",    "RENAME a b",
        "RENAME b a", "COPY a b",      "GETDEL b", "EXISTS a b", "SETNX a 3",  "SET b 4 XX GET",
        "MOVE a 1",   "COPY a b DB 1", "FLUSHDB",  "FLUSHALL",   "SWAPDB 0 1", "DEBUG SLEEP 0",
    };
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]), OPS = 7, CLIENTS = 3 };
    history_init(h);
    h->order = chance_percent(random, 50) ? PIPELINE_STRICT : PIPELINE_RELAXED;
    h->shape = (struct key_space_shape){.nshards = FOUR_SHARDS};
    uint32_t pipelines[CLIENTS] = {0}, nops = chance_between(random, 2, OPS);
    for (uint32_t i = 0; i < nops; i++) {
        uint32_t client = chance_below(random, CLIENTS);
        pipelines[client] += chance_percent(random, 50);
        struct op *op = history_add_text(h, client, texts[chance_below(random, TEXTS)]);
        op->pipeline = pipelines[client];
        op->db = chance_percent(random, 20);
    }
    mimic_play(h, random, CLIENTS);
    for (uint32_t changes = chance_below(random, 3); changes > 0; changes--) {
        struct op *op = &h->ops[chance_below(random, nops)], *other = &h->ops[chance_below(random, nops)];
        struct slice reply = op->reply;
        op->reply = other->reply;
        other->reply = reply;
        if (chance_percent(random, 20)) { /* its connection is lost: later ones come from another */
            op->answered = EVENT_NEVER;
            for (struct op *later = op + 1; later < h->ops + nops; later++)
                later->connection += later->client == op->client && later->pipeline != op->pipeline;
            for (struct op *same = h->ops; same < h->ops + nops; same++)
                if (same->client == op->client && same->pipeline == op->pipeline && same > op)
                    same->answered = EVENT_NEVER;
        }
    }
}

static void test_against_naive_search(void **state)
{
    struct random random;
    long cases = random_cases(&random, 20000), broken = 0;
    for (long i = 0; i < cases; i++) {
        struct history h;
        make_small(&h, &random);
        enum verdict right = naive_verdict(&h);
        broken += right == VERDICT_NOT_SERIAL;
        if (verdict_of(&h) != right) {
            history_print(&h, stderr);
            fail_msg("the checker's verdict differs, right is: %s", right == VERDICT_SERIAL ? "serial" : "not serial");
        }
        history_clear(&h);
    }
    printf("%ld of %ld histories were not serializable\n", broken, cases);
    assert_true(cases < 100 || (broken > cases / 10 && broken < cases * 9 / 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_time),
        cmocka_unit_test(test_unanswered),
        cmocka_unit_test(test_pipelines),
        cmocka_unit_test(test_databases),
        cmocka_unit_test(test_first_bad_event),
        cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_planted_bugs),
        cmocka_unit_test(test_against_naive_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
