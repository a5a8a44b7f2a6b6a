#include "tests/serial/recorder.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "tests/serial/chance.h"
#include "tests/serial/client.h"

enum { SPLIT_PERCENT = 15, HESITATE_PERCENT = 20, HARD_CLOSE_PERCENT = 50 };

/* One client. Owner: its thread between the two barriers, the caller of recorder_play otherwise. */
struct player {
    struct recorder *recorder;
    uint32_t number;
    pthread_t thread;
    struct client client;
    uint32_t connection;    /* how many it had before this one */
    struct history replies; /* memory for them: the plan's is not for several threads */
    struct random random;
    bool lost;
};

struct recorder {
    struct player *players; /* nplayers with a thread, and one more that the caller plays */
    uint32_t nplayers;
    pthread_barrier_t begin, end;
    struct history *plan;   /* NULL: the threads are to end */
    _Atomic uint64_t clock; /* numbers events */
};

static uint64_t tick(struct recorder *r) { return atomic_fetch_add(&r->clock, 1) + 1; }

/* Sends a pipeline, now and then in two pieces. */
static bool send_pipeline(struct player *p, struct op *const *ops, uint32_t n)
{
    struct bytes out = {0}, rest = {0};
    for (uint32_t i = 0; i < n; i++)
        resp_put_command(&out, ops[i]->argc, ops[i]->argv);
    if (chance_percent(&p->random, SPLIT_PERCENT)) {
        size_t first = chance_below(&p->random, (uint32_t)out.len);
        bytes_put(&rest, out.ptr + first, out.len - first);
        out.len = first;
    }
    uint64_t now = tick(p->recorder);
    for (uint32_t i = 0; i < n; i++) {
        ops[i]->invoked = now;
        ops[i]->connection = p->connection;
    }
    bool good = client_send(&p->client, &out);
    if (good && rest.len) {
        sched_yield();
        good = client_send(&p->client, &rest);
    }
    bytes_free(&out);
    bytes_free(&rest);
    return good;
}

static bool play_pipeline(struct player *p, struct op *const *ops, uint32_t n)
{
    if (!client_connect(&p->client) || !send_pipeline(p, ops, n))
        return false;
    if (ops[0]->hang_up) {
        client_close(&p->client, chance_percent(&p->random, HARD_CLOSE_PERCENT));
        p->connection++;
        return true;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct slice reply;
        if (!client_reply(&p->client, &reply))
            return false;
        ops[i]->answered = tick(p->recorder);
        ops[i]->reply = history_copy(&p->replies, reply.ptr, reply.len);
    }
    return true;
}

static void play(struct player *p)
{
    struct history *h = p->recorder->plan;
    struct op *ops[HISTORY_OPS_MAX];
    uint32_t n = 0;
    p->lost = false;
    for (uint32_t i = 0; i < h->nops; i++)
        if (h->ops[i].client == p->number)
            ops[n++] = &h->ops[i];
    for (uint32_t first = 0, next; first < n && !p->lost; first = next) {
        for (next = first + 1; next < n && ops[next]->pipeline == ops[first]->pipeline; next++)
            ;
        if (chance_percent(&p->random, HESITATE_PERCENT))
            sched_yield();
        p->lost = !play_pipeline(p, ops + first, next - first);
    }
    if (p->lost)
        client_close(&p->client, false);
}

static void *run_player(void *arg)
{
    struct player *p = arg;
    for (;;) {
        pthread_barrier_wait(&p->recorder->begin);
        if (!p->recorder->plan)
            return NULL;
        play(p);
        pthread_barrier_wait(&p->recorder->end);
    }
}

struct recorder *recorder_create(uint16_t port, uint32_t clients)
{
    struct recorder *r = mem_zalloc(NULL, sizeof(*r));
    r->nplayers = clients;
    r->players = mem_zalloc(NULL, sizeof(r->players[0]) * (clients + 1));
    pthread_barrier_init(&r->begin, NULL, clients + 1);
    pthread_barrier_init(&r->end, NULL, clients + 1);
    for (uint32_t i = 0; i <= clients; i++) {
        r->players[i].recorder = r;
        r->players[i].number = i;
        client_init(&r->players[i].client, port);
        history_init(&r->players[i].replies);
        if (i < clients)
            ASSERT(pthread_create(&r->players[i].thread, NULL, run_player, &r->players[i]) == 0);
    }
    return r;
}

void recorder_destroy(struct recorder *r)
{
    r->plan = NULL;
    pthread_barrier_wait(&r->begin);
    for (uint32_t i = 0; i <= r->nplayers; i++) {
        if (i < r->nplayers)
            pthread_join(r->players[i].thread, NULL);
        client_close(&r->players[i].client, false);
    }
    pthread_barrier_destroy(&r->begin);
    pthread_barrier_destroy(&r->end);
    mem_free(NULL, r->players);
    mem_free(NULL, r);
}

bool recorder_play(struct recorder *r, struct history *plan, uint32_t clients, uint64_t seed)
{
    ASSERT(clients <= r->nplayers);
    struct player *alone = &r->players[r->nplayers];
    r->plan = plan;
    alone->number = clients;
    for (uint32_t i = 0; i <= r->nplayers; i++)
        random_init(&r->players[i].random, seed + i);
    pthread_barrier_wait(&r->begin);
    pthread_barrier_wait(&r->end);
    bool lost = false;
    for (uint32_t i = 0; i < r->nplayers; i++)
        lost |= r->players[i].lost;
    if (!lost) {
        play(alone);
        lost = alone->lost;
    }
    for (uint32_t i = 0; i <= r->nplayers; i++)
        history_adopt(plan, &r->players[i].replies);
    return !lost;
}
