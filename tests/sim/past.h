/* What the journal of a server has been given, and the state of the data after each command: a small model that
 * executes effects, on a few keys of each type in a few databases (past_execute.c). It goes through crashes: what a
 * server has found on its disk is the state at the end of a batch, and the past ends there. A client may see the states
 * between, too. A key that has expired counts as absent, whether it has been deleted or not. */
#ifndef SKUA_TESTS_SIM_PAST_H
#define SKUA_TESTS_SIM_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/serial/collection.h"
#include "tests/serial/resp.h"

/* Key N is "kN"; what it holds follows from N (past_kind). Counters are strings that are numbers. */
enum {
    PAST_COUNTERS = 6,
    PAST_SETS = 8,
    PAST_HASHES = 11,
    PAST_LISTS = 13,
    PAST_KEYS = 15,
    PAST_DATABASES = 3,
    PAST_CELLS = PAST_DATABASES * PAST_KEYS,
};

static inline enum kind past_kind(uint32_t key)
{
    return key < PAST_SETS ? KIND_STRING : key < PAST_HASHES ? KIND_SET : key < PAST_LISTS ? KIND_HASH : KIND_LIST;
}

/* A key of a database; all zeros if it is absent. */
struct past_cell {
    uint32_t value;      /* its number */
    int64_t deadline_ms; /* -1: none */
};

/* By database, then by key. */
struct past_state {
    struct past_cell cells[PAST_CELLS];
};

struct past_item {
    struct past_state state; /* after it */
    uint64_t position;       /* in the journal, of its batch */
    bool ends;               /* its batch */
    uint64_t queued_ns;
    uint32_t db;
    struct bytes command; /* empty of an item that was not journalled */
};

/* Item 0 is the beginning, when nothing was there. Owner: the test; zeroed memory is to be initialised. */
struct past {
    struct past_item *items;
    uint32_t n, cap;
    struct values values;
};

void past_init(struct past *p);
void past_free(struct past *p);
static inline uint32_t past_last(const struct past *p) { return p->n - 1; }

/* A batch was queued. False, with a line to stderr, if it makes no sense in the state that it meets. */
bool past_batch(struct past *p, uint64_t position, uint64_t now_ns, struct slice batch);
/* The data has changed unseen, while nothing was journalled. */
void past_jump(struct past *p, uint64_t now_ns, const struct past_state *state);
/* Item last is the last one from now on, and has this position. */
void past_cut(struct past *p, uint32_t last, uint64_t position);

/* Executes an effect. False: it makes no sense in that state. */
bool past_execute(struct past *p, struct past_state *s, int64_t db, uint32_t argc, const struct slice *argv);

/* Whether a client that is told this value (VALUE_NONE: none) at now_ms may have seen the cell. */
bool past_shows(const struct past_cell *cell, uint32_t value, int64_t now_ms);
/* The first item since which the cell shows what it does after `item`. */
uint32_t past_shown_since(const struct past *p, uint32_t item, uint32_t cell, uint32_t value, int64_t now_ms);
/* The first item of (from, to] whose command has the word in it; to + 1 if there is none. */
uint32_t past_find_word(const struct past *p, uint32_t from, uint32_t to, const char *word);
/* The same for its name, or else_name if that is not NULL, with these first arguments, and its database. */
uint32_t past_find_command(const struct past *p, uint32_t from, uint32_t to, uint32_t db, const char *name,
                           const char *else_name, uint32_t argc, const struct slice *argv);

bool past_equal(const struct past_state *a, const struct past_state *b, int64_t now_ms);
/* What differs goes to stderr. */
void past_print_difference(const struct past *p, const struct past_state *a, const struct past_state *b,
                           int64_t now_ms);
/* The items of (from, to] go to stderr. */
void past_print(const struct past *p, uint32_t from, uint32_t to);

#endif
