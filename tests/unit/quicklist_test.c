/* Quicklists against a naive model, an array of texts, under limits of both kinds, with what a snapshot is shown; which
 * elements lie in which listpack, as Redis divides and joins them; copies, and that they are freed in slices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the above: cmocka.h needs them */
#include <cmocka.h>

#include "shard/type/quicklist.h"
#include "tests/unit/random_cases.h"

enum { MODEL_MAX = 4000, TEXT_MAX = 10000, NODES_MAX = MODEL_MAX, LARGE = 200000 };

/* A listpack as it was when the running epoch began. */
struct seen {
    const void *lp;
    char *bytes;
    uint32_t len;
    bool shown;
};

static struct world {
    struct random random;
    struct mem_account account;
    struct value_home home;
    struct quicklist *q;
    char *text[MODEL_MAX];
    uint32_t n;
    int32_t node_size;
    struct seen seen[NODES_MAX];
    uint32_t nseen;
} w;

static uint64_t below(uint64_t n) { return random_below(&w.random, n); }

static void setup(int32_t node_size)
{
    struct random random = w.random;
    w = (struct world){.random = random, .node_size = node_size};
    w.home = (struct value_home){.account = &w.account};
    w.home.clock.now = (uint16_t)random_u64(&w.random);
    struct quicklist_limit limit = quicklist_limit(node_size);
    w.q = quicklist_create(&w.home, &limit);
}

static void discard(struct quicklist *q)
{
    value_discard(&w.home, ENC_QUICKLIST, q);
    while (w.home.garbage)
        value_free_step(&w.home);
}

static void teardown(void)
{
    discard(w.q);
    assert_int_equal(mem_used(&w.account), 0);
    for (uint32_t i = 0; i < w.n; i++)
        free(w.text[i]);
}

/* ---- The model ---- */

/* Few different ones, so that equal ones are found. */
static char *new_text(void)
{
    char *text = malloc(TEXT_MAX + 1);
    uint64_t kind = below(20);
    if (kind < 8) {
        snprintf(text, TEXT_MAX, "%d", (int)below(40) - 20);
    } else {
        size_t len = kind < 17 ? below(30) : kind < 19 ? below(600) : 4000 + below(TEXT_MAX - 4000);
        memset(text, 'a' + (int)below(3), len);
        text[len] = '\0';
    }
    return text;
}

static void model_insert(uint32_t i, char *text)
{
    memmove(w.text + i + 1, w.text + i, (w.n - i) * sizeof *w.text);
    w.text[i] = text;
    w.n++;
}

static void model_remove(uint32_t i)
{
    free(w.text[i]);
    w.n--;
    memmove(w.text + i, w.text + i + 1, (w.n - i) * sizeof *w.text);
}

static void assert_element(struct listpack_value v, const char *text)
{
    char number[NUM_INT_CHARS];
    assert_true(slice_eq(listpack_text_of(v, number), slice_str(text)));
}

struct walk {
    uint32_t next;
};

static void visit(void *arg, struct slice element, struct slice none)
{
    struct walk *walk = arg;
    assert_true(walk->next < w.n);
    assert_true(slice_eq(element, slice_str(w.text[walk->next++])));
    assert_int_equal(none.len, 0);
}

static void check_contents(const struct quicklist *q)
{
    struct walk walk = {0};
    struct typed_value v = {TYPE_LIST, ENC_QUICKLIST, (void *)q};
    assert_int_equal(value_count(v), w.n);
    value_each(v, visit, &walk);
    assert_int_equal(walk.next, w.n);
}

/* No listpack is empty or holds more than it may, and all are counted as what they are. */
static void check_nodes(const struct quicklist *q)
{
    struct ranked_place p;
    int64_t bytes = 0;
    for (bool more = ranked_first(&q->nodes, &p); more; more = ranked_next(&q->nodes, &p)) {
        const struct listpack *lp = quicklist_listpack(&p);
        uint32_t count = listpack_count(lp);
        assert_int_equal((uint32_t)ranked_key(&p), count);
        assert_in_range(count, 1, q->limit.elements);
        if (count > 1)
            assert_in_range(lp->bytes, 8, 3 * q->limit.bytes);
        bytes += (int64_t)mem_size(lp);
    }
    assert_true(mem_used(&q->value.account) >= bytes);
}

/* ---- What a snapshot is shown ---- */

static void show(void *arg, void *owner, void *node)
{
    assert_ptr_equal(owner, w.q);
    for (uint32_t i = 0; i < w.nseen; i++) {
        struct seen *s = &w.seen[i];
        if (s->lp != node || s->shown)
            continue;
        s->shown = true;
        assert_memory_equal(node, s->bytes, s->len);
    }
}

/* What was not shown is as it was. */
static void end_epoch(void)
{
    struct ranked_place p;
    for (bool more = ranked_first(&w.q->nodes, &p); more; more = ranked_next(&w.q->nodes, &p)) {
        uint16_t epoch = (uint16_t)(ranked_key(&p) >> 32);
        for (uint32_t i = 0; i < w.nseen; i++) {
            struct seen *s = &w.seen[i];
            if (s->shown || s->lp != ranked_pointer(&p))
                continue;
            assert_int_not_equal(epoch, w.home.clock.now);
            assert_memory_equal(s->lp, s->bytes, s->len);
            s->shown = true;
        }
    }
    for (uint32_t i = 0; i < w.nseen; i++) {
        assert_true(w.seen[i].shown);
        free(w.seen[i].bytes);
    }
    w.nseen = 0;
    w.home.clock.keep = NULL;
}

static void begin_epoch(void)
{
    struct ranked_place p;
    w.home.clock.now++;
    w.home.clock.keep = show;
    for (bool more = ranked_first(&w.q->nodes, &p); more; more = ranked_next(&w.q->nodes, &p)) {
        struct slice bytes = listpack_bytes(quicklist_listpack(&p));
        struct seen s = {.lp = bytes.ptr, .bytes = malloc(bytes.len), .len = (uint32_t)bytes.len};
        w.seen[w.nseen++] = s;
        memcpy(s.bytes, bytes.ptr, bytes.len);
    }
}

/* ---- One operation each ---- */

static void push(void)
{
    char *text = new_text();
    enum list_end end = below(2) ? LIST_HEAD : LIST_TAIL;
    quicklist_push(w.q, end, slice_str(text));
    model_insert(end == LIST_HEAD ? 0 : w.n, text);
}

static struct quicklist_place place_of(uint32_t i)
{
    struct quicklist_place p;
    assert_true(quicklist_at(w.q, i, &p));
    assert_element(listpack_get(quicklist_listpack(&p.node), p.at), w.text[i]);
    return p;
}

static void insert(void)
{
    uint32_t i = (uint32_t)below(w.n);
    bool after = below(2);
    char *text = new_text();
    struct quicklist_place p = place_of(i);
    quicklist_insert(w.q, &p, after, slice_str(text));
    model_insert(i + after, text);
}

static void replace(void)
{
    uint32_t i = (uint32_t)below(w.n);
    struct quicklist_place p = place_of(i);
    free(w.text[i]);
    w.text[i] = new_text();
    quicklist_replace(w.q, &p, slice_str(w.text[i]));
}

static void trim(void)
{
    enum list_end end = below(2) ? LIST_HEAD : LIST_TAIL;
    uint32_t most = below(20) ? 4 : 300, n = (uint32_t)below(w.n < most ? w.n + 1 : most);
    quicklist_trim(w.q, end, n);
    while (n-- > 0)
        model_remove(end == LIST_HEAD ? 0 : w.n - 1);
}

static void remove_equal(void)
{
    char *sought = strdup(w.text[below(w.n)]);
    enum list_end from = below(2) ? LIST_HEAD : LIST_TAIL;
    uint64_t most = below(3) ? 1 + below(3) : UINT64_MAX, removed = 0;
    for (uint32_t seen = 0, i; seen < w.n && removed < most;) {
        i = from == LIST_HEAD ? seen : w.n - 1 - seen;
        if (strcmp(w.text[i], sought) == 0) {
            model_remove(i);
            removed++;
        } else {
            seen++;
        }
    }
    struct listpack_value v = listpack_value_of(slice_str(sought));
    assert_int_equal(quicklist_remove_equal(w.q, v, from, most), removed);
    free(sought);
}

static void find(void)
{
    const char *sought = w.text[below(w.n)];
    struct quicklist_place p;
    assert_true(quicklist_find(w.q, listpack_value_of(slice_str(sought)), &p));
    uint32_t i = 0;
    while (strcmp(w.text[i], sought) != 0)
        i++;
    struct quicklist_place same = place_of(i);
    assert_ptr_equal(quicklist_listpack(&p.node), quicklist_listpack(&same.node));
    assert_int_equal(p.at, same.at);
    assert_false(quicklist_find(w.q, listpack_value_of(slice_str("no such")), &p));
    assert_false(quicklist_at(w.q, w.n, &p));
}

static void copy(void)
{
    struct quicklist *made = quicklist_copy(&w.home, w.q);
    check_contents(made);
    check_nodes(made);
    assert_int_equal(made->nodes.items, w.q->nodes.items);
    discard(made);
}

static void one_operation(bool grow)
{
    uint64_t what = below(100);
    if (w.n == 0 || (w.n < MODEL_MAX && what < (grow ? 50 : 20)))
        push();
    else if (what < (grow ? 70 : 30) && w.n < MODEL_MAX)
        insert();
    else if (what < 80)
        replace();
    else if (what < 90)
        trim();
    else if (what < 97)
        find();
    else
        remove_equal();
}

static const int32_t node_sizes[] = {-1, -2, -5, 0, 1, 2, 3, 16, 128, 100000};

static void against_model(void **state)
{
    long cases = random_cases(&w.random, 60000);
    for (long i = 0; i < cases; i++) {
        if (i % 3000 == 0) {
            if (i > 0) {
                end_epoch();
                teardown();
            }
            setup(node_sizes[below(sizeof node_sizes / sizeof *node_sizes)]);
            begin_epoch();
        }
        one_operation(i / 700 % 2 == 0);
        assert_int_equal(quicklist_len(w.q), w.n);
        if (below(50) == 0) {
            check_contents(w.q);
            check_nodes(w.q);
        }
        if (below(200) == 0) {
            end_epoch();
            begin_epoch();
        }
        if (below(500) == 0 && w.home.clock.keep) {
            end_epoch();
            copy();
            begin_epoch();
        }
    }
    end_epoch();
    teardown();
}

/* ---- Which elements lie together ---- */

static void assert_sizes(const char *expected)
{
    char text[256] = "";
    struct ranked_place p;
    for (bool more = ranked_first(&w.q->nodes, &p); more; more = ranked_next(&w.q->nodes, &p))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", *text ? " " : "",
                 listpack_count(quicklist_listpack(&p)));
    assert_string_equal(text, expected);
}

static void put(const char *pivot, bool after, const char *element)
{
    struct quicklist_place p;
    assert_true(quicklist_find(w.q, listpack_value_of(slice_str(pivot)), &p));
    quicklist_insert(w.q, &p, after, slice_str(element));
}

static void set(const char *old, const char *element)
{
    struct quicklist_place p;
    assert_true(quicklist_find(w.q, listpack_value_of(slice_str(old)), &p));
    quicklist_replace(w.q, &p, slice_str(element));
}

static void divided_and_joined_as_in_redis(void **state)
{
    static char large[8194];
    memset(large, 'x', sizeof large - 1);
    setup(3);
    for (char digit = '1'; digit <= '9'; digit++)
        quicklist_push(w.q, LIST_TAIL, slice_of(&digit, 1));
    assert_sizes("3 3 3");
    put("5", true, "a"); /* 4 5 and a 6 */
    assert_sizes("3 2 2 3");
    put("5", false, "b");
    assert_sizes("3 3 2 3");
    put("1", false, "c"); /* at the edge of a full one, without a neighbour */
    assert_sizes("1 3 3 2 3");
    put("4", false, "d"); /* at the edge of a full one, whose neighbour is full */
    assert_sizes("1 3 1 3 2 3");
    put("3", true, "e"); /* into the neighbour behind */
    assert_sizes("1 3 2 3 2 3");
    put("1", false, "f"); /* into the one before */
    assert_sizes("2 3 2 3 2 3");
    quicklist_trim(w.q, LIST_HEAD, 4); /* leaves 3, then e d */
    assert_sizes("1 2 3 2 3");
    put("b", true, "g"); /* 4 b and g 5: before it 3 and e d are joined, what is behind is too much */
    assert_sizes("3 2 2 2 3");
    put("8", true, large); /* divides, joins nothing */
    assert_sizes("3 2 2 2 2 1 1");
    put("9", false, large);
    assert_sizes("3 2 2 2 2 1 1 1");
    set("9", large); /* alone: makes way */
    assert_sizes("3 2 2 2 2 1 1 1");
    set("7", large); /* first of two; the large one lies before what was behind it */
    assert_sizes("3 2 2 2 1 1 1 1 1");
    set("g", large);
    assert_sizes("3 2 1 1 2 1 1 1 1 1");
    set("d", large); /* last of three: behind it 4 b, before it e and 3 */
    assert_sizes("2 1 2 1 1 2 1 1 1 1 1");
    discard(w.q);
}

/* A large element that becomes small goes to its neighbour if that has room, as if it had been inserted there. */
static void large_becomes_small(void **state)
{
    static char large[8194];
    memset(large, 'x', sizeof large - 1);
    setup(3);
    quicklist_push(w.q, LIST_TAIL, slice_str("1"));
    quicklist_push(w.q, LIST_TAIL, slice_str(large));
    quicklist_push(w.q, LIST_TAIL, slice_str("2"));
    assert_sizes("1 1 1");
    set(large, "small");
    assert_sizes("1 2");
    quicklist_push(w.q, LIST_HEAD, slice_str(large));
    quicklist_trim(w.q, LIST_TAIL, 3);
    assert_sizes("1");
    assert_null(quicklist_only_listpack(w.q)); /* one listpack, but that of a large element */
    set(large, "small");
    assert_non_null(quicklist_only_listpack(w.q));
    struct listpack *lp = quicklist_to_listpack(w.q);
    assert_int_equal(mem_used(&w.account), mem_size(lp));
    struct quicklist_limit limit = quicklist_limit(-1);
    w.q = quicklist_of_listpack(&w.home, &limit, lp);
    assert_int_equal(quicklist_len(w.q), 1);
    discard(w.q);
    assert_int_equal(mem_used(&w.account), 0);
}

/* Replacing makes listpacks longer than others become, but not without bound. */
static void replaced_by_longer(void **state)
{
    char text[401];
    memset(text, 'x', sizeof text - 1);
    text[400] = '\0';
    setup(-1);
    for (uint32_t i = 0; i < 1000; i++)
        quicklist_push(w.q, LIST_TAIL, slice_str("1"));
    assert_sizes("1000");
    for (uint32_t i = 0; i < 1000; i++) {
        struct quicklist_place p;
        quicklist_at(w.q, i, &p);
        quicklist_replace(w.q, &p, slice_str(text));
        check_nodes(w.q);
    }
    assert_true(w.q->nodes.items >= 40);
    discard(w.q);
}

static void freed_in_slices(void **state)
{
    enum { SLICE_BYTES_MAX = 64 * 9000 };
    setup(-2);
    for (uint32_t i = 0; i < LARGE; i++)
        quicklist_push(w.q, LIST_TAIL, slice_str("an element of a long list"));
    struct mem_account *total = &w.account;
    value_discard(&w.home, ENC_QUICKLIST, w.q);
    for (int64_t before = mem_used(total), after; w.home.garbage; before = after) {
        value_free_step(&w.home);
        after = mem_used(total);
        assert_true(before - after < SLICE_BYTES_MAX);
    }
    assert_int_equal(mem_used(total), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),       cmocka_unit_test(divided_and_joined_as_in_redis),
        cmocka_unit_test(large_becomes_small), cmocka_unit_test(replaced_by_longer),
        cmocka_unit_test(freed_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
