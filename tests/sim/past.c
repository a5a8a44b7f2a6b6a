#include "tests/sim/past.h"

#include <inttypes.h>
#include <stdio.h>

#include "src/base/mem.h"
#include "src/base/num.h"

enum { ARGS_MAX = 16, SHOWN_BYTES_MAX = 40 };

/* ---- Items ---- */

/* Like the one before it. */
static struct past_item *add(struct past *p, uint64_t position, uint64_t now_ns)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 256;
        p->items = mem_realloc(NULL, p->items, p->cap * sizeof p->items[0]);
    }
    struct past_item *item = &p->items[p->n];
    memset(item, 0, sizeof *item);
    item->position = position;
    item->ends = true;
    item->queued_ns = now_ns;
    if (p->n > 0)
        item->state = p->items[p->n - 1].state;
    p->n++;
    return item;
}

void past_init(struct past *p)
{
    *p = (struct past){0};
    values_init(&p->values);
    add(p, 0, 0);
}

void past_free(struct past *p)
{
    past_cut(p, 0, 0);
    values_deinit(&p->values);
    mem_free(NULL, p->items);
}

bool past_batch(struct past *p, uint64_t position, uint64_t now_ns, struct slice batch)
{
    int64_t db = -1;
    uint32_t argc;
    struct slice argv[ARGS_MAX];
    for (struct slice rest = batch, next; rest.len; rest = next) {
        next = resp_take_command(rest, ARGS_MAX, &argc, argv);
        if (slice_is(argv[0], "select")) {
            if (argc != 2 || !num_parse_i64(argv[1], &db))
                return false;
            continue;
        }
        struct past_item *item = add(p, position, now_ns);
        item->ends = next.len == 0;
        item->db = (uint32_t)db;
        bytes_put(&item->command, rest.ptr, rest.len - next.len);
        if (!past_execute(p, &item->state, db, argc, argv)) {
            fprintf(stderr, "what is journalled makes no sense:\n");
            past_print(p, p->n > 20 ? p->n - 20 : 0, past_last(p));
            return false;
        }
    }
    return true;
}

void past_jump(struct past *p, uint64_t now_ns, const struct past_state *state)
{
    struct past_item *item = add(p, p->items[past_last(p)].position, now_ns);
    item->state = *state;
}

void past_cut(struct past *p, uint32_t last, uint64_t position)
{
    while (p->n > last + 1)
        bytes_free(&p->items[--p->n].command);
    p->items[last].position = position;
}

/* ---- Looking ---- */

static bool is_seen(const struct past_cell *c, int64_t now_ms)
{
    return c->value != VALUE_NONE && (c->deadline_ms < 0 || c->deadline_ms > now_ms);
}

bool past_shows(const struct past_cell *cell, uint32_t value, int64_t now_ms)
{
    return value == VALUE_NONE ? !is_seen(cell, now_ms) : cell->value == value;
}

uint32_t past_shown_since(const struct past *p, uint32_t item, uint32_t cell, uint32_t value, int64_t now_ms)
{
    while (item > 0 && past_shows(&p->items[item - 1].state.cells[cell], value, now_ms))
        item--;
    return item;
}

uint32_t past_find_word(const struct past *p, uint32_t from, uint32_t to, const char *word)
{
    for (uint32_t i = from + 1; i <= to; i++) {
        const struct bytes *b = &p->items[i].command;
        if (b->len && memmem(b->ptr, b->len, word, strlen(word)))
            return i;
    }
    return to + 1;
}

static bool begins_with(const struct slice *argv, uint32_t argc, const struct slice *wanted, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (i >= argc || !slice_eq(argv[i], wanted[i]))
            return false;
    return true;
}

uint32_t past_find_command(const struct past *p, uint32_t from, uint32_t to, uint32_t db, const char *name,
                           const char *else_name, uint32_t argc, const struct slice *argv)
{
    for (uint32_t i = from + 1; i <= to; i++) {
        const struct past_item *item = &p->items[i];
        uint32_t n;
        struct slice words[ARGS_MAX];
        if (item->command.len == 0 || item->db != db)
            continue;
        resp_take_command(slice_of(item->command.ptr, item->command.len), ARGS_MAX, &n, words);
        bool named = slice_is(words[0], name) || (else_name && slice_is(words[0], else_name));
        if (named && begins_with(words + 1, n - 1, argv, argc))
            return i;
    }
    return to + 1;
}

static bool same_cell(const struct past_cell *a, const struct past_cell *b)
{
    return a->value == b->value && a->deadline_ms == b->deadline_ms;
}

bool past_equal(const struct past_state *a, const struct past_state *b, int64_t now_ms)
{
    for (uint32_t i = 0; i < PAST_CELLS; i++) {
        bool here = is_seen(&a->cells[i], now_ms), there = is_seen(&b->cells[i], now_ms);
        if (here != there || (here && !same_cell(&a->cells[i], &b->cells[i])))
            return false;
    }
    return true;
}

/* ---- Showing ---- */

static void print_bytes(struct slice s)
{
    for (size_t i = 0; i < s.len && i < SHOWN_BYTES_MAX; i++)
        fputc(s.ptr[i] < ' ' ? ' ' : s.ptr[i], stderr);
    if (s.len > SHOWN_BYTES_MAX)
        fprintf(stderr, "... (%zu bytes)", s.len);
}

static void print_cell(const struct past *p, const struct past_cell *c, int64_t now_ms)
{
    if (c->value == VALUE_NONE) {
        fprintf(stderr, " nothing");
        return;
    }
    fputc(' ', stderr);
    print_bytes(values_get(&p->values, c->value));
    fprintf(stderr, " until %" PRId64 "%s", c->deadline_ms, is_seen(c, now_ms) ? "" : " (expired)");
}

void past_print_difference(const struct past *p, const struct past_state *a, const struct past_state *b, int64_t now_ms)
{
    for (uint32_t i = 0; i < PAST_CELLS; i++) {
        const struct past_cell *here = &a->cells[i], *there = &b->cells[i];
        if (same_cell(here, there) || (!is_seen(here, now_ms) && !is_seen(there, now_ms)))
            continue;
        fprintf(stderr, "  %u k%u:", i / PAST_KEYS, i % PAST_KEYS);
        print_cell(p, here, now_ms);
        fprintf(stderr, ", and");
        print_cell(p, there, now_ms);
        fputc('\n', stderr);
    }
}

void past_print(const struct past *p, uint32_t from, uint32_t to)
{
    uint32_t argc;
    struct slice argv[ARGS_MAX];
    for (uint32_t i = from + 1; i <= to && i < p->n; i++) {
        const struct past_item *item = &p->items[i];
        fprintf(stderr, "  %u, position %" PRIu64 ", %" PRIu64 " us, database %u:", i, item->position,
                item->queued_ns / 1000, item->db);
        if (item->command.len)
            resp_take_command(slice_of(item->command.ptr, item->command.len), ARGS_MAX, &argc, argv);
        else
            argc = 0;
        for (uint32_t k = 0; k < argc; k++) {
            fputc(' ', stderr);
            print_bytes(argv[k]);
        }
        fputs(item->ends ? "\n" : ", and\n", stderr);
    }
}
