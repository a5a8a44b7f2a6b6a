/* The order of SORT: what the elements are compared by, and putting them into it. Semantics: Redis 7.4 sort.c
 * (sortCompare). Elements that compare as equal, which Redis leaves in any order, stay in the order in which they were.
 *
 * Owner: the command that sorts. */
#ifndef SKUA_CMD_SORT_ORDER_H
#define SKUA_CMD_SORT_ORDER_H

#include <locale.h>

#include "shard/ds/listpack.h"
#include "src/base/random.h"
#include "src/cmd/command.h"

/* In place of a text: there is none. It comes first. */
#define SORT_NO_TEXT SIZE_MAX

struct sort_item {
    struct listpack_value element; /* borrowed */
    union {
        double score; /* no nan; of equal ones the texts of the elements decide */
        size_t text;  /* if they are compared as texts: from sort_order_text */
    };
    uint64_t index; /* where it was */
};

struct sort_order {
    struct cmd *cmd; /* it gives way meanwhile */
    bool as_text, descending;
    bool element_decides; /* among equal texts */
    locale_t locale;      /* texts are compared by strcoll; 0: byte by byte */
    char *texts;          /* owned */
    size_t texts_len, texts_cap;
    uint32_t steps;
};

void sort_order_deinit(struct sort_order *o);

/* A copy of text, which is kept until the end. */
size_t sort_order_text(struct sort_order *o, struct slice text);

/* Called for each step of what takes long: gives way now and then. */
static inline void sort_order_step(struct sort_order *o)
{
    enum { STEPS_AT_ONCE = 64 };
    if (++o->steps % STEPS_AT_ONCE == 0)
        cmd_give_way(o->cmd);
}

/* Puts those of n items that have the places [first, first + count) in the order there. */
void sort_arrange(struct sort_order *o, struct sort_item *items, uint64_t n, uint64_t first, uint64_t count);

#endif
