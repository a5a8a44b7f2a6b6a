#include "src/server/ask.h"

#include "src/base/mem.h"
#include "src/server/server.h"
#include "src/server/worker.h"

static struct ask *ask_create(struct worker *home, uint32_t nparts, ask_run *run, ask_done *done, void *arg)
{
    struct ask *a = mem_zalloc(NULL, sizeof *a + nparts * sizeof a->part[0]);
    a->run = run;
    a->done = done;
    a->arg = arg;
    a->home = home->id;
    a->nparts = nparts;
    atomic_init(&a->left, nparts);
    for (uint32_t i = 0; i < nparts; i++) {
        a->part[i].ask = a;
        list_init(&a->part[i].node);
    }
    return a;
}

static void ask_all(struct worker *home, enum message_kind kind, ask_run *run, ask_done *done, void *arg)
{
    struct ask *a = ask_create(home, home->server->nworkers, run, done, arg);
    for (uint32_t i = 0; i < a->nparts; i++)
        worker_send(home, i, &a->part[i].msg, kind);
}

void ask_workers(struct worker *home, ask_run *run, ask_done *done, void *arg)
{
    ask_all(home, MSG_ASK, run, done, arg);
}

void ask_shards(struct worker *home, ask_run *run, ask_done *done, void *arg)
{
    ask_all(home, MSG_ASK_SHARD, run, done, arg);
}

void ask_one(struct worker *home, uint32_t target, ask_run *run, ask_done *done, void *arg)
{
    struct ask *a = ask_create(home, 1, run, done, arg);
    worker_send(home, target, &a->part[0].msg, MSG_ASK);
}

void ask_free(struct ask *a) { mem_free(NULL, a); }

void ask_step(struct worker *w, struct ask_part *part)
{
    struct ask *a = part->ask;
    if (!a->run(w, a, part)) {
        list_push_back(&w->again, &part->node);
        w->busy = true;
        return;
    }
    /* acq_rel: the last one hands everybody's results home. */
    if (atomic_fetch_sub_explicit(&a->left, 1, memory_order_acq_rel) == 1)
        worker_send(w, a->home, &a->msg, MSG_ASK_DONE);
}
