/* PFSELFTEST: takes a second or so, of which the worker gives itself slices between its other work. */
#include "shard/ds/hll_selftest.h"
#include "src/base/mem.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/commands.h"
#include "src/server/worker.h"

struct selftest {
    struct client *client;
    struct hll_selftest *hll;
    enum hll_selftest_outcome outcome;
    char failed[HLL_SELFTEST_TEXT_BYTES];
};

static bool selftest_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    struct selftest *t = a->arg;
    (void)part;
    t->outcome = hll_selftest_step(t->hll, t->failed);
    return t->outcome != HLL_SELFTEST_GOES_ON;
}

static void selftest_done(struct worker *home, struct ask *a)
{
    struct selftest *t = a->arg;
    struct client *client = t->client;
    if (t->outcome == HLL_SELFTEST_PASSED)
        reply_ok(&client->batch->reply);
    else
        reply_errorf(&client->batch->reply, "ERR TESTFAILED %s", t->failed);
    hll_selftest_destroy(t->hll);
    mem_free(NULL, t);
    ask_free(a);
    batch_deferred_done(client);
}

/* PFSELFTEST */
static void pfselftest(struct cmd *c)
{
    struct client *client = command_client(c);
    struct worker *w = client->worker;
    struct selftest *t = mem_zalloc(NULL, sizeof *t);
    t->client = client;
    t->hll = hll_selftest_create(worker_random(w), c->limits->hll_sparse_max_bytes);
    batch_defer(client);
    ask_one(w, w->id, selftest_run, selftest_done, t);
}

const struct command_binding selftest_bindings[] = {
    {"pfselftest", pfselftest},
    {NULL, NULL},
};
