#include "tests/serial/recorder.h"

#include <pthread.h>
#include <stdatomic.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "tests/serial/player.h"

/* Owner of the player: the thread between the two barriers, the caller of recorder_play otherwise. */
struct seat {
    struct player player;
    struct recorder *recorder;
    pthread_t thread;
};

struct recorder {
    struct seat *seats; /* nseats with a thread, and one more that the caller plays */
    uint32_t nseats;
    pthread_barrier_t begin, end;
    struct history *plan; /* NULL: the threads are to end */
    _Atomic uint64_t clock;
};

static void *run_seat(void *arg)
{
    struct seat *s = arg;
    for (;;) {
        pthread_barrier_wait(&s->recorder->begin);
        if (!s->recorder->plan)
            return NULL;
        player_play(&s->player, s->recorder->plan);
        pthread_barrier_wait(&s->recorder->end);
    }
}

struct recorder *recorder_create(uint16_t port, uint32_t clients)
{
    struct recorder *r = mem_zalloc(NULL, sizeof(*r));
    r->nseats = clients;
    r->seats = mem_zalloc(NULL, sizeof(r->seats[0]) * (clients + 1));
    pthread_barrier_init(&r->begin, NULL, clients + 1);
    pthread_barrier_init(&r->end, NULL, clients + 1);
    for (uint32_t i = 0; i <= clients; i++) {
        struct seat *s = &r->seats[i];
        s->recorder = r;
        player_init(&s->player, &caller_sockets, NULL, port, &r->clock);
        s->player.number = i;
        if (i < clients)
            ASSERT(pthread_create(&s->thread, NULL, run_seat, s) == 0);
    }
    return r;
}

void recorder_destroy(struct recorder *r)
{
    r->plan = NULL;
    pthread_barrier_wait(&r->begin);
    for (uint32_t i = 0; i <= r->nseats; i++) {
        if (i < r->nseats)
            pthread_join(r->seats[i].thread, NULL);
        player_deinit(&r->seats[i].player);
    }
    pthread_barrier_destroy(&r->begin);
    pthread_barrier_destroy(&r->end);
    mem_free(NULL, r->seats);
    mem_free(NULL, r);
}

bool recorder_play(struct recorder *r, struct history *plan, uint32_t clients, uint64_t seed)
{
    ASSERT(clients <= r->nseats);
    struct player *alone = &r->seats[r->nseats].player;
    bool lost = false;
    r->plan = plan;
    alone->number = clients;
    for (uint32_t i = 0; i <= r->nseats; i++)
        random_init(&r->seats[i].player.random, seed + i);
    pthread_barrier_wait(&r->begin);
    pthread_barrier_wait(&r->end);
    for (uint32_t i = 0; i < r->nseats; i++)
        lost |= r->seats[i].player.lost;
    if (!lost) {
        player_play(alone, plan);
        lost = alone->lost;
    }
    for (uint32_t i = 0; i <= r->nseats; i++)
        history_adopt(plan, &r->seats[i].player.replies);
    return !lost;
}
