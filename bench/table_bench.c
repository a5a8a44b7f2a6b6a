/* Nanoseconds a key for what a shard does with its keyspace, with a million keys of 16 bytes and values of 64, and the
 * longest single insert on the way to ten million (argument: how many). CPU time of the thread, so that other programs
 * don't count; their use of caches and memory still does. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shard/ds/lookahead.h"
#include "shard/entry.h"
#include "shard/keyspace.h"
#include "src/base/mem.h"
#include "src/base/random.h"

enum { KEYS = 1000 * 1000, GROUP = 32, BLOCK = GROUP * 1024, VALUE = 64, SEED = 42 };

static struct keyspace *ks;
static struct mem_account account;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct key key_of(char buf[static 17], uint64_t i)
{
    static const struct key_space_shape shape = {.seed = SEED, .nshards = 1};
    snprintf(buf, 17, "key:%012llu", (unsigned long long)i);
    return key_make(&shape, slice_of(buf, 16));
}

static char value[VALUE];

static void set(const struct key *key)
{
    keyspace_set_string(ks, keyspace_write(ks, 0, key), key, slice_of(value, VALUE), EXPIRY_NONE, STRING_ENCODED);
}

static void get(const struct key *key) { keyspace_read(ks, 0, key); }

static void delete (const struct key *key) { keyspace_remove(ks, keyspace_write(ks, 0, key), key); }

static void run_group(void (*what)(const struct key *), const struct key *key, bool prefetch)
{
    struct lookahead ahead;
    ahead.n = 0;
    for (uint32_t k = 0; prefetch && k < GROUP; k++)
        keyspace_look_ahead(ks, 0, key[k].hash, &ahead);
    lookahead_end(&ahead);
    for (uint32_t k = 0; k < GROUP; k++)
        what(&key[k]);
}

/* Runs what on n keys, in groups as a worker does; keys are made while the clock stands, a block at a time. */
static void measure(const char *name, void (*what)(const struct key *), uint64_t n, bool in_order, bool prefetch)
{
    static char buf[BLOCK][17];
    static struct key key[BLOCK];
    struct random r;
    uint64_t spent = 0;
    random_init(&r, 1);
    for (uint64_t i = 0; i < n; i += BLOCK) {
        uint32_t some = n - i < BLOCK ? (uint32_t)(n - i) : BLOCK;
        for (uint32_t k = 0; k < some; k++)
            key[k] = key_of(buf[k], in_order ? i + k : random_below(&r, n));
        uint64_t start = now_ns();
        for (uint32_t k = 0; k < some; k += GROUP)
            run_group(what, &key[k], prefetch);
        spent += now_ns() - start;
    }
    printf("%-28s %6.1f ns a key\n", name, (double)spent / (double)n);
}

static void grow(uint64_t from, uint64_t to)
{
    uint64_t worst = 0, over = 0;
    for (uint64_t i = from; i < to; i++) {
        char buf[17];
        struct key key = key_of(buf, i);
        uint64_t start = now_ns();
        set(&key);
        uint64_t took = now_ns() - start;
        worst = took > worst ? took : worst;
        over += took > 100000;
    }
    printf("longest insert from %llu to %llu keys: %.1f us, %llu over 100 us\n", (unsigned long long)from,
           (unsigned long long)to, (double)worst / 1000, (unsigned long long)over);
}

static void begin(void)
{
    ks = keyspace_create(&account, 16, SEED);
    keyspace_set_time(ks, 1000);
}

int main(int argc, char **argv)
{
    uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 10) : 10 * KEYS;
    begin();
    grow(0, KEYS);
    keyspace_destroy(ks);
    begin();
    measure("insert", set, KEYS, true, true);
    printf("%.1f bytes a key, as counted\n", (double)mem_used(&account) / (double)keyspace_size(ks, 0));
    measure("find", get, KEYS, false, false);
    measure("find, prefetched", get, KEYS, false, true);
    measure("overwrite", set, KEYS, false, false);
    measure("overwrite, prefetched", set, KEYS, false, true);
    for (uint64_t n = KEYS; n < most; n += n / 2 < most - n ? n / 2 : most - n) {
        grow(n, n + (n / 2 < most - n ? n / 2 : most - n));
        printf("%.1f bytes a key, as counted\n", (double)mem_used(&account) / (double)keyspace_size(ks, 0));
    }
    measure("delete, prefetched", delete, KEYS, true, true);
    keyspace_destroy(ks);
    return 0;
}
