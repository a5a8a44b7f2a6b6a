/* Nanoseconds an operation and bytes an element of the counted B+ tree beside a skiplist as Redis has it, with a
 * million members of 16 bytes (argument: how many), that are inserted with random scores, with rising ones, and all
 * with the same. One and the other take turns. CPU time of the thread, so that other programs don't count; their use of
 * caches and memory still does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/skiplist.h"
#include "shard/ds/ranked.h"

enum { MEMBERS = 1000 * 1000, MEMBER_BYTES = 16, RANGE = 10, LONG_RANGE = 1000 };

static uint64_t n;
static double *score;
static char **member;
static uint32_t *order; /* in which members are asked for and removed */
static struct random chance;
static uint64_t sum; /* of what is read, so that it is read */

static struct epoch_clock epoch;
static struct mem_account tree_account, list_account;
static struct ranked tree;
static struct skiplist list;

/* Doubles that are not negative are in order of their bits. */
static uint64_t key_of(uint64_t i)
{
    uint64_t key;
    memcpy(&key, &score[i], sizeof key);
    return key;
}

static int compare(const void *sought, const void *pointer) { return strcmp(sought, pointer); }

static void tree_find(uint64_t i, struct ranked_place *p) { ranked_find(&tree, key_of(i), compare, member[i], p); }

static void tree_insert(uint64_t i)
{
    struct ranked_place p;
    tree_find(i, &p);
    ranked_insert(&tree, &p, key_of(i), member[i]);
}

static void tree_rank(uint64_t i)
{
    struct ranked_place p;
    tree_find(order[i], &p);
    sum += ranked_rank(&tree, &p);
}

static void tree_remove(uint64_t i)
{
    struct ranked_place p;
    tree_find(order[i], &p);
    ranked_remove(&tree, &p);
}

static void tree_read(uint64_t i, uint64_t count)
{
    struct ranked_place p;
    for (bool is = ranked_at_rank(&tree, order[i], &p, NULL); is && count > 0; is = ranked_next(&tree, &p), count--)
        sum += *(const char *)ranked_pointer(&p);
}

static void tree_range(uint64_t i) { tree_read(i, RANGE); }
static void tree_long_range(uint64_t i) { tree_read(i, LONG_RANGE); }

static void tree_pop(uint64_t i)
{
    struct ranked_place p;
    ranked_first(&tree, &p);
    sum += *(const char *)ranked_pointer(&p);
    ranked_remove(&tree, &p);
}

static void list_insert(uint64_t i) { skiplist_insert(&list, score[i], member[i]); }
static void list_rank(uint64_t i) { sum += skiplist_rank(&list, score[order[i]], member[order[i]]); }
static void list_remove(uint64_t i) { skiplist_remove(&list, score[order[i]], member[order[i]]); }

static void list_read(uint64_t i, uint64_t count)
{
    for (const struct skiplist_node *x = skiplist_at_rank(&list, order[i] + 1); x && count > 0; count--) {
        sum += *x->member;
        x = x->level[0].forward;
    }
}

static void list_range(uint64_t i) { list_read(i, RANGE); }
static void list_long_range(uint64_t i) { list_read(i, LONG_RANGE); }

static void list_pop(uint64_t i)
{
    const struct skiplist_node *x = list.header->level[0].forward;
    sum += *x->member;
    skiplist_remove(&list, x->score, x->member);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double ns_each(void (*what)(uint64_t), uint64_t times)
{
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < times; i++)
        what(i);
    return (double)(now_ns() - start) / (double)times;
}

static void measure(const char *name, void (*with_tree)(uint64_t), void (*with_list)(uint64_t), uint64_t times)
{
    double a = ns_each(with_tree, times), b = ns_each(with_list, times);
    printf("  %-20s %8.0f ns %8.0f ns %6.2f\n", name, a, b, a / b);
}

static void print_memory(void)
{
    double a = (double)mem_used(&tree_account) / (double)n, b = (double)mem_used(&list_account) / (double)n;
    printf("  %-20s %8.1f B  %8.1f B  %6.2f\n", "memory", a, b, a / b);
}

static void shuffle(void)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t k = random_below(&chance, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
}

static void measure_all(const char *scores)
{
    printf("%-22s %8s    %8s    ratio\n", scores, "tree", "skiplist");
    ranked_init(&tree, RANKED_BY_KEY, &tree_account, &epoch, NULL);
    skiplist_init(&list, &list_account);
    measure("insert", tree_insert, list_insert, n);
    print_memory();
    shuffle();
    measure("rank of a member", tree_rank, list_rank, n);
    shuffle();
    measure("10 from a rank", tree_range, list_range, n);
    measure("1000 from a rank", tree_long_range, list_long_range, n / 500);
    shuffle();
    measure("delete half", tree_remove, list_remove, n / 2);
    print_memory();
    measure("pop the rest", tree_pop, list_pop, n - n / 2);
    ranked_deinit(&tree);
    skiplist_deinit(&list);
}

int main(int argc, char **argv)
{
    n = argc > 1 ? strtoull(argv[1], NULL, 10) : MEMBERS;
    score = mem_alloc(NULL, n * sizeof *score);
    member = mem_alloc(NULL, n * sizeof *member);
    order = mem_alloc(NULL, n * sizeof *order);
    random_init(&chance, 42);
    for (uint64_t i = 0; i < n; i++) {
        member[i] = mem_alloc(NULL, MEMBER_BYTES + 1);
        snprintf(member[i], MEMBER_BYTES + 1, "%016llx", (unsigned long long)random_u64(&chance));
    }
    for (uint64_t i = 0; i < n; i++)
        score[i] = random_unit(&chance);
    measure_all("random scores");
    for (uint64_t i = 0; i < n; i++)
        score[i] = (double)i;
    measure_all("rising scores");
    for (uint64_t i = 0; i < n; i++)
        score[i] = 1;
    measure_all("equal scores");
    return sum == 0;
}
