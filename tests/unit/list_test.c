/* src/base/list.h: every operation against an array that does the same naively. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/list.h"
#include "tests/unit/random_cases.h"

enum { ITEMS = 16, STEPS = 200000 };

struct item {
    int id;
    struct list node;
};

/* The ids that should be in the list, first to last. */
struct model {
    int ids[ITEMS];
    int count;
};

static void model_insert(struct model *m, int at, int id)
{
    memmove(&m->ids[at + 1], &m->ids[at], (size_t)(m->count - at) * sizeof m->ids[0]);
    m->ids[at] = id;
    m->count++;
}

static void model_remove(struct model *m, int id)
{
    for (int i = 0; i < m->count; i++) {
        if (m->ids[i] == id) {
            m->count--;
            memmove(&m->ids[i], &m->ids[i + 1], (size_t)(m->count - i) * sizeof m->ids[0]);
            return;
        }
    }
}

static void assert_equals_model(const struct list *head, const struct model *m)
{
    const struct list *n = head;
    for (int i = 0; i < m->count; i++) {
        assert_ptr_equal(n->next->prev, n);
        n = n->next;
        assert_int_equal(container_of(n, struct item, node)->id, m->ids[i]);
    }
    assert_ptr_equal(n->next, head);
    assert_ptr_equal(head->prev, n);
    assert_int_equal(list_empty(head), m->count == 0);
}

static void test_against_model(void **state)
{
    struct random random;
    long steps = random_cases(&random, STEPS);

    struct list head;
    struct item items[ITEMS];
    struct model model = {.count = 0};
    bool in[ITEMS] = {false};
    list_init(&head);
    for (int i = 0; i < ITEMS; i++) {
        items[i].id = i;
        list_init(&items[i].node);
    }
    for (long step = 0; step < steps; step++) {
        int id = (int)random_below(&random, ITEMS);
        struct list *node = &items[id].node;
        if ((int)random_below(&random, 8) == 0) {
            struct list *first = list_pop_front(&head);
            assert_int_equal(first == NULL, model.count == 0);
            if (first) {
                assert_int_equal(container_of(first, struct item, node)->id, model.ids[0]);
                in[model.ids[0]] = false;
                model_remove(&model, model.ids[0]);
            }
        } else if (in[id] || (int)random_below(&random, 8) == 0) {
            list_remove(node); /* of one that is in no list, too: nothing may happen */
            model_remove(&model, id);
            in[id] = false;
        } else {
            int where = (int)random_below(&random, 3);
            if (where == 0 || model.count == 0) {
                list_push_front(&head, node);
                model_insert(&model, 0, id);
            } else if (where == 1) {
                list_push_back(&head, node);
                model_insert(&model, model.count, id);
            } else {
                int at = (int)random_below(&random, model.count);
                list_insert_before(&items[model.ids[at]].node, node);
                model_insert(&model, at, id);
            }
            in[id] = true;
        }
        assert_equals_model(&head, &model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
