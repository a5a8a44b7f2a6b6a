#include "tests/serial/checker.h"

#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/hash.h"
#include "src/base/mem.h"
#include "tests/serial/model.h"

enum { SET_WORDS = HISTORY_OPS_MAX / 64, MEMO_FIRST = 1024 };

/* An event in order of time: an operation is sent, or answered. What is not yet part of the order that the search is
 * trying stands in a list; taking an operation lifts its two events out (Lowe's entry list). */
struct event {
    uint32_t op; /* number within the part */
    bool is_answer;
    uint64_t time;
    struct event *prev, *next;
};

/* One operation that the search has taken, with what it needs to be given back. */
struct frame {
    struct event *sent;
    bool no_choice; /* nothing else need be tried in its place */
    uint32_t store[HISTORY_CELLS_MAX];
};

/* Where the search has been: a set of entries of words 64-bit words, open addressing, compared in full. */
struct memo {
    uint64_t *entries;
    uint32_t *slots; /* number of the entry + 1, or 0; twice cap of them */
    uint32_t count, cap, words;
};

/* The search for one part of the history, whose keys no other part has. */
struct search {
    const struct op **ops;
    uint32_t nops, nkeys;
    uint32_t to_answer;           /* answered operations that have not been taken */
    bool *is_read;                /* by operation: it is answered and changed nothing */
    struct event *events;         /* two an operation: [2i] sent, [2i+1] answered */
    struct event head;            /* of the list */
    uint64_t (*after)[SET_WORDS]; /* for each operation those of its connection that have to come before it */
    uint64_t taken[SET_WORDS];
    uint32_t store[HISTORY_CELLS_MAX];
    struct frame *frames;
    uint32_t nframes;
    struct memo memo;
    struct model model;
    uint64_t steps, steps_max;
};

static void memo_init(struct memo *m, uint32_t words)
{
    *m = (struct memo){.cap = MEMO_FIRST, .words = words};
    m->entries = mem_alloc(NULL, sizeof(uint64_t) * words * m->cap);
    m->slots = mem_zalloc(NULL, sizeof(uint32_t) * 2 * m->cap);
}

static void memo_deinit(struct memo *m)
{
    mem_free(NULL, m->entries);
    mem_free(NULL, m->slots);
}

static uint32_t *memo_slot(struct memo *m, const uint64_t *entry)
{
    uint64_t mask = 2 * (uint64_t)m->cap - 1;
    size_t bytes = sizeof(uint64_t) * m->words;
    for (uint64_t i = hash_bytes(entry, bytes, 0) & mask;; i = (i + 1) & mask)
        if (!m->slots[i] || memcmp(m->entries + (size_t)(m->slots[i] - 1) * m->words, entry, bytes) == 0)
            return &m->slots[i];
}

static void memo_grow(struct memo *m)
{
    m->cap *= 2;
    m->entries = mem_realloc(NULL, m->entries, sizeof(uint64_t) * m->words * m->cap);
    mem_free(NULL, m->slots);
    m->slots = mem_zalloc(NULL, sizeof(uint32_t) * 2 * m->cap);
    for (uint32_t i = 0; i < m->count; i++)
        *memo_slot(m, m->entries + (size_t)i * m->words) = i + 1;
}

/* True if entry was not there. */
static bool memo_add(struct memo *m, const uint64_t *entry)
{
    uint32_t *slot = memo_slot(m, entry);
    if (*slot)
        return false;
    memcpy(m->entries + (size_t)m->count * m->words, entry, sizeof(uint64_t) * m->words);
    *slot = ++m->count;
    if (m->count == m->cap)
        memo_grow(m);
    return true;
}

/* The list of events */

static int by_time(const void *a, const void *b)
{
    const struct event *x = *(struct event *const *)a, *y = *(struct event *const *)b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->is_answer - y->is_answer; /* what happens at one time overlaps: sent before answered */
}

static void unlink_event(struct event *e)
{
    e->prev->next = e->next;
    e->next->prev = e->prev;
}

/* Undoes unlink_event; in reverse order of the unlinking, so that the neighbours are the same. */
static void relink_event(struct event *e)
{
    e->prev->next = e;
    e->next->prev = e;
}

static bool is_answered(const struct op *op) { return op->answered != EVENT_NEVER; }

static void make_list(struct search *s)
{
    struct event **sorted = mem_alloc(NULL, sizeof(*sorted) * 2 * s->nops);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->nops; i++) {
        s->events[2 * i] = (struct event){.op = i, .time = s->ops[i]->invoked};
        s->events[2 * i + 1] = (struct event){.op = i, .time = s->ops[i]->answered, .is_answer = true};
        sorted[n++] = &s->events[2 * i];
        if (is_answered(s->ops[i])) {
            sorted[n++] = &s->events[2 * i + 1];
            s->to_answer++;
        }
    }
    qsort(sorted, n, sizeof(*sorted), by_time);
    s->head.prev = s->head.next = &s->head;
    for (uint32_t i = 0; i < n; i++) {
        sorted[i]->prev = s->head.prev;
        sorted[i]->next = &s->head;
        relink_event(sorted[i]);
    }
    mem_free(NULL, sorted);
}

static bool overlap(const struct op *a, const struct op *b)
{
    return a->answered >= b->invoked && b->answered >= a->invoked;
}

/* ops of one client stand in the order in which it sent them. */
static void make_after(struct search *s, const struct history *h)
{
    for (uint32_t b = 0; b < s->nops; b++)
        for (uint32_t a = 0; a < b; a++)
            if (history_in_order(h, s->ops[a], s->ops[b]))
                s->after[b][a / 64] |= UINT64_C(1) << (a % 64);
}

/* The search */

static bool may_come_next(const struct search *s, uint32_t op)
{
    for (uint32_t w = 0; w <= s->nops / 64 && w < SET_WORDS; w++)
        if (s->after[op][w] & ~s->taken[w])
            return false;
    return true;
}

/* Runs op on store; does the reply fit what was recorded? */
static bool fits(struct search *s, uint32_t i, uint32_t *store)
{
    const struct op *op = s->ops[i];
    s->steps++;
    struct slice reply = model_apply(&s->model, op, store);
    return !is_answered(op) || slice_eq(reply, op->reply);
}

static void take(struct search *s, struct event *sent, const uint32_t *store, bool no_choice)
{
    struct frame *f = &s->frames[s->nframes++];
    *f = (struct frame){.sent = sent, .no_choice = no_choice};
    memcpy(f->store, s->store, sizeof(f->store));
    memcpy(s->store, store, sizeof(s->store));
    s->taken[sent->op / 64] |= UINT64_C(1) << (sent->op % 64);
    unlink_event(sent);
    if (is_answered(s->ops[sent->op])) {
        unlink_event(&s->events[2 * sent->op + 1]);
        s->to_answer--;
    }
}

static const struct frame *give_back(struct search *s)
{
    const struct frame *f = &s->frames[--s->nframes];
    uint32_t op = f->sent->op;
    if (is_answered(s->ops[op])) {
        relink_event(&s->events[2 * op + 1]);
        s->to_answer++;
    }
    relink_event(f->sent);
    s->taken[op / 64] &= ~(UINT64_C(1) << (op % 64));
    memcpy(s->store, f->store, sizeof(s->store));
    return f;
}

/* Has the search been at (taken and op, store)? Remembers that it is now. */
static bool is_new(struct search *s, uint32_t op, const uint32_t *store)
{
    uint64_t entry[SET_WORDS + HISTORY_CELLS_MAX] = {0};
    uint32_t set_words = s->nops / 64 + 1 < SET_WORDS ? s->nops / 64 + 1 : SET_WORDS;
    memcpy(entry, s->taken, sizeof(uint64_t) * set_words);
    entry[op / 64] |= UINT64_C(1) << (op % 64);
    memcpy(entry + set_words, store, sizeof(uint32_t) * s->nkeys * HISTORY_DATABASES);
    return memo_add(&s->memo, entry);
}

/* Takes the reading commands that fit the store as it is. */
static void take_reads(struct search *s)
{
    for (struct event *e = s->head.next; e != &s->head && !e->is_answer; e = e->next) {
        uint32_t same[HISTORY_CELLS_MAX];
        if (!s->is_read[e->op] || !may_come_next(s, e->op))
            continue;
        memcpy(same, s->store, sizeof(same));
        if (fits(s, e->op, same)) {
            take(s, e, same, true);
            e = &s->head; /* an answer may be out of the way now: look again from the start */
        }
    }
}

/* Takes one operation that comes at or after e in the list and before the first answer: what is sent after that answer
 * cannot precede its operation. */
static bool take_one(struct search *s, struct event *e)
{
    for (; e != &s->head && !e->is_answer; e = e->next) {
        uint32_t store[HISTORY_CELLS_MAX];
        if (!may_come_next(s, e->op))
            continue;
        memcpy(store, s->store, sizeof(store));
        if (fits(s, e->op, store) && is_new(s, e->op, store)) {
            take(s, e, store, false);
            return true;
        }
    }
    return false;
}

static enum verdict search_run(struct search *s)
{
    take_reads(s);
    struct event *from = s->head.next;
    while (s->to_answer > 0) {
        if (s->steps > s->steps_max)
            return VERDICT_UNDECIDED;
        if (take_one(s, from)) {
            take_reads(s);
            from = s->head.next;
            continue;
        }
        const struct frame *f;
        do {
            if (s->nframes == 0)
                return VERDICT_NOT_SERIAL;
            f = give_back(s);
        } while (f->no_choice);
        from = f->sent->next;
    }
    return VERDICT_SERIAL;
}

static void search_init(struct search *s, const struct history *h, const struct op **ops, uint32_t nops)
{
    *s = (struct search){.ops = ops, .nops = nops, .nkeys = h->nkeys};
    s->events = mem_alloc(NULL, sizeof(s->events[0]) * 2 * nops);
    s->after = mem_zalloc(NULL, sizeof(s->after[0]) * nops);
    s->is_read = mem_zalloc(NULL, nops);
    for (uint32_t i = 0; i < nops; i++)
        s->is_read[i] = is_answered(ops[i]) && model_was_read(ops[i]);
    s->frames = mem_alloc(NULL, sizeof(s->frames[0]) * nops);
    uint32_t set_words = nops / 64 + 1 < SET_WORDS ? nops / 64 + 1 : SET_WORDS;
    memo_init(&s->memo, set_words + (h->nkeys * HISTORY_DATABASES + 1) / 2);
    model_init(&s->model);
    make_list(s);
    make_after(s, h);
}

static void search_deinit(struct search *s)
{
    model_deinit(&s->model);
    memo_deinit(&s->memo);
    mem_free(NULL, s->frames);
    mem_free(NULL, s->is_read);
    mem_free(NULL, s->after);
    mem_free(NULL, s->events);
}

/* Parts */

/* For each key the mask of the keys that have to be looked at with it. Locality holds for the order of time, not for a
 * connection's own order of commands that overlap: what that ties together stays together. */
static void make_parts(const struct history *h, uint32_t parts[HISTORY_KEYS_MAX])
{
    for (uint32_t k = 0; k < h->nkeys; k++)
        parts[k] = 1u << k;
    for (uint32_t a = 0; a < h->nops; a++) {
        uint32_t together = h->ops[a].keys;
        for (uint32_t b = a + 1; b < h->nops; b++)
            if (history_in_order(h, &h->ops[a], &h->ops[b]) && overlap(&h->ops[a], &h->ops[b]))
                together |= h->ops[b].keys;
        uint32_t merged = together;
        for (uint32_t k = 0; k < h->nkeys; k++)
            if (parts[k] & together)
                merged |= parts[k];
        for (uint32_t k = 0; k < h->nkeys; k++)
            if (parts[k] & merged)
                parts[k] = merged;
    }
}

/* The operations on these keys that can matter: sent, and more than a read whose result nobody saw. */
static uint32_t pick(const struct history *h, uint32_t keys, const struct op **ops)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->nops; i++) {
        const struct op *op = &h->ops[i];
        if ((op->keys & keys) && op->invoked && (is_answered(op) || !(op->row->flags & MODEL_READ)))
            ops[n++] = op;
    }
    return n;
}

enum verdict checker_run(const struct history *h, uint64_t steps_max, uint64_t *steps)
{
    ASSERT(h->nops <= HISTORY_OPS_MAX);
    uint32_t parts[HISTORY_KEYS_MAX];
    make_parts(h, parts);
    enum verdict verdict = VERDICT_SERIAL;
    uint64_t all_steps = 0;
    for (uint32_t k = 0; k < h->nkeys && verdict != VERDICT_NOT_SERIAL; k++) {
        if (parts[k] & ((1u << k) - 1))
            continue; /* done with an earlier key */
        const struct op *ops[HISTORY_OPS_MAX];
        uint32_t n = pick(h, parts[k], ops);
        if (n == 0)
            continue;
        struct search s;
        search_init(&s, h, ops, n);
        s.steps_max = steps_max;
        enum verdict part = search_run(&s);
        if (part != VERDICT_SERIAL)
            verdict = part;
        all_steps += s.steps;
        search_deinit(&s);
    }
    if (steps)
        *steps = all_steps;
    return verdict;
}

uint64_t checker_first_bad_event(const struct history *h, uint64_t steps_max)
{
    uint64_t good = 0, bad = 0;
    for (uint32_t i = 0; i < h->nops; i++)
        if (is_answered(&h->ops[i]) && h->ops[i].answered > bad)
            bad = h->ops[i].answered;
    while (bad - good > 1) {
        uint64_t middle = good + (bad - good) / 2;
        struct history prefix;
        history_prefix(h, middle, &prefix);
        if (checker_run(&prefix, steps_max, NULL) == VERDICT_NOT_SERIAL)
            bad = middle;
        else
            good = middle;
        history_clear(&prefix);
    }
    return bad;
}
