/* Mailboxes: order and content against a model, on real threads whose consumers really sleep, and in the simulator's
 * builds under random schedules, where a consumer that does not look again before it sleeps is found. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "shard/mailbox.h"
#include "src/base/list.h"
#include "src/io/sim.h"
#include "tests/unit/random_cases.h"

struct letter {
    struct message msg; /* first */
    uint32_t sender, number;
};

enum { SENDERS_MAX = 5 };

static struct random seeds;

/* ---- One thread ---- */

static void test_order(void **state)
{
    long cases = random_cases(&seeds, 2000);
    for (long i = 0; i < cases; i++) {
        struct mailbox m;
        struct outbox out = {0};
        struct letter letters[64];
        uint32_t n = 0, wanted = (uint32_t)random_below(&seeds, 64);
        mailbox_init(&m);
        assert_null(mailbox_take(&m));
        while (n < wanted) {
            letters[n] = (struct letter){.number = n};
            outbox_add(&out, &letters[n++].msg);
            if (random_below(&seeds, 4) == 0)
                assert_false(mailbox_publish(&m, &out));
        }
        if (out.newest)
            assert_false(mailbox_publish(&m, &out));
        assert_null(out.newest);
        uint32_t seen = 0;
        for (struct message *msg = mailbox_take(&m); msg; msg = msg->next)
            assert_int_equal(((struct letter *)msg)->number, seen++);
        assert_int_equal(seen, wanted);
        assert_true(mailbox_empty(&m));
    }
}

static void test_wake(void **state)
{
    struct mailbox m;
    struct letter a = {0}, b = {0};
    mailbox_init(&m);
    assert_false(mailbox_send(&m, &a.msg));
    mailbox_announce_sleep(&m);
    assert_true(mailbox_send(&m, &b.msg)); /* the first one wakes, */
    assert_false(mailbox_needs_wake(&m));  /* and nobody after it */
    mailbox_announce_sleep(&m);
    mailbox_awake(&m);
    assert_false(mailbox_needs_wake(&m));
}

/* ---- Threads ---- */

struct consumer {
    struct mailbox mailbox;
    sem_t bell; /* what a worker's ring is in the server */
    uint32_t next[SENDERS_MAX];
    uint64_t left, sleeps;
    bool late;
};

static void receive(struct consumer *c)
{
    struct message *msg = mailbox_take(&c->mailbox), *next;
    for (; msg; msg = next) {
        next = msg->next;
        struct letter *l = (struct letter *)msg;
        assert_int_equal(l->number, c->next[l->sender]++);
        c->left--;
        free(l);
    }
}

static void *consume(void *arg)
{
    struct consumer *c = arg;
    while (c->left > 0 && !c->late) {
        receive(c);
        mailbox_announce_sleep(&c->mailbox);
        if (mailbox_empty(&c->mailbox) && c->left > 0) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 20;
            c->sleeps++;
            c->late = sem_timedwait(&c->bell, &until) != 0;
        }
        mailbox_awake(&c->mailbox);
    }
    return NULL;
}

struct sender {
    struct consumer *consumers;
    uint32_t id, nconsumers, letters;
    struct random random;
};

static void *produce(void *arg)
{
    struct sender *s = arg;
    struct outbox out[SENDERS_MAX] = {0};
    for (uint32_t i = 0; i < s->letters; i++) {
        for (uint32_t k = 0; k < s->nconsumers; k++) {
            struct letter *l = malloc(sizeof *l);
            *l = (struct letter){.sender = s->id, .number = i};
            outbox_add(&out[k], &l->msg);
            bool last = i + 1 == s->letters;
            if ((last || random_below(&s->random, 3) == 0) && mailbox_publish(&s->consumers[k].mailbox, &out[k]))
                sem_post(&s->consumers[k].bell);
        }
        if (random_below(&s->random, 16) == 0)
            sched_yield();
    }
    return NULL;
}

static void test_threads(void **state)
{
    uint32_t letters = (uint32_t)random_cases(&seeds, 30000);
    struct consumer consumers[2];
    struct sender senders[3];
    pthread_t threads[5];
    memset(consumers, 0, sizeof consumers);
    for (int i = 0; i < 2; i++) {
        mailbox_init(&consumers[i].mailbox);
        sem_init(&consumers[i].bell, 0, 0);
        consumers[i].left = 3 * (uint64_t)letters;
        assert_int_equal(pthread_create(&threads[3 + i], NULL, consume, &consumers[i]), 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        senders[i] = (struct sender){.consumers = consumers, .id = i, .nconsumers = 2, .letters = letters};
        random_init(&senders[i].random, random_u64(&seeds));
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &senders[i]), 0);
    }
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        assert_false(consumers[i].late);
        assert_int_equal(consumers[i].left, 0);
        printf("%llu sleeps\n", (unsigned long long)consumers[i].sleeps);
        sem_destroy(&consumers[i].bell);
    }
}

/* ---- The simulator ---- */

#ifdef SKUA_SIM_POINTS
struct simulated {
    struct sim *sim;
    struct mailbox mailbox;
    uint32_t next[SENDERS_MAX], started, left;
    int rung;
    bool careless; /* the planted bug: does not look again before it sleeps */
    bool lost;
};

static void sim_consumer(void *arg)
{
    struct simulated *s = arg;
    while (s->left > 0) {
        struct message *msg = mailbox_take(&s->mailbox), *next;
        for (; msg; msg = next, s->left--) {
            next = msg->next;
            struct letter *l = (struct letter *)msg;
            assert_int_equal(l->number, s->next[l->sender]++);
            free(l);
        }
        bool empty = mailbox_empty(&s->mailbox);
        mailbox_announce_sleep(&s->mailbox);
        empty = s->careless ? empty : mailbox_empty(&s->mailbox);
        uint64_t end = sim_now_ns(s->sim) + 1000000000;
        while (empty && s->left > 0 && s->rung == 0 && !s->lost) {
            sim_sleep_ns(s->sim, 5000);
            s->lost = sim_now_ns(s->sim) >= end;
        }
        s->rung = 0;
        mailbox_awake(&s->mailbox);
    }
}

static void sim_sender(void *arg)
{
    struct simulated *s = arg;
    uint32_t id = s->started++;
    for (uint32_t i = 0; i < 40; i++) {
        struct letter *l = malloc(sizeof *l);
        *l = (struct letter){.sender = id, .number = i};
        if (mailbox_send(&s->mailbox, &l->msg))
            s->rung = 1;
        sim_sleep_ns(s->sim, sim_random(s->sim, 3) ? 1 : 20000);
    }
}

/* True if a letter lay there while the consumer slept. */
static bool simulate(uint64_t seed, bool careless)
{
    struct sim_config config = {.seed = seed, .switch_rate = 300};
    struct simulated s = {.sim = sim_create(&config), .left = 3 * 40, .careless = careless};
    mailbox_init(&s.mailbox);
    sim_spawn(s.sim, SIM_CLIENT, "consumer", sim_consumer, &s);
    for (int i = 0; i < 3; i++)
        sim_spawn(s.sim, SIM_CLIENT, "sender", sim_sender, &s);
    assert_int_equal(sim_run(s.sim), SIM_DONE);
    sim_destroy(s.sim);
    assert_int_equal(s.left, 0);
    return s.lost;
}

static void test_schedules(void **state)
{
    long cases = random_cases(&seeds, 400);
    for (long i = 0; i < cases; i++)
        assert_false(simulate(random_u64(&seeds), false));
}

static void test_planted(void **state)
{
    enum { TRIES_MAX = 20000 }; /* it usually takes a hundred */
    random_cases(&seeds, 1);
    bool found = false;
    for (int i = 0; i < TRIES_MAX && !found; i++)
        found = simulate(random_u64(&seeds), true);
    assert_true(found);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),     cmocka_unit_test(test_wake),    cmocka_unit_test(test_threads),
#ifdef SKUA_SIM_POINTS
        cmocka_unit_test(test_schedules), cmocka_unit_test(test_planted),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
