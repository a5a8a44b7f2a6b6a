#include "tests/sim/past.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

enum { ARGS_MAX = 8, SHOWN_BYTES_MAX = 40 };

/* ---- Cells ---- */

static const struct past_cell absent;

static bool is_there(const struct past_cell *c) { return c->word[0] != '\0'; }

static bool is_seen(const struct past_cell *c, int64_t now_ms)
{
    return is_there(c) && (c->deadline_ms < 0 || c->deadline_ms > now_ms);
}

static bool same_value(const struct past_cell *a, const struct past_cell *b)
{
    return memcmp(a->word, b->word, sizeof a->word) == 0 && a->filler == b->filler;
}

static bool same_cell(const struct past_cell *a, const struct past_cell *b)
{
    return same_value(a, b) && a->deadline_ms == b->deadline_ms;
}

bool past_parse_value(struct past_cell *cell, struct slice value)
{
    const char *colon = value.len ? memchr(value.ptr, ':', value.len) : NULL;
    size_t len = colon ? (size_t)(colon - value.ptr) : value.len;
    *cell = (struct past_cell){.filler = colon ? value.len - len - 1 : 0, .deadline_ms = -1};
    if (len == 0 || len >= sizeof cell->word)
        return false;
    memcpy(cell->word, value.ptr, len);
    for (size_t i = 0; i < cell->filler; i++)
        if (colon[1 + i] != 'x')
            return false;
    return true;
}

bool past_shows(const struct past_cell *cell, const struct slice *value, int64_t now_ms)
{
    struct past_cell told;
    if (!value)
        return !is_seen(cell, now_ms);
    return is_there(cell) && past_parse_value(&told, *value) && same_value(cell, &told);
}

/* ---- Executing ---- */

static bool parse_number(struct slice s, int64_t *n)
{
    char text[PAST_WORD_MAX], *end;
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *n = strtoll(text, &end, 10);
    return *end == '\0';
}

/* NULL: no key or no database that is used here. */
static struct past_cell *find(struct past_state *s, int64_t db, struct slice key)
{
    int64_t n;
    if (key.len < 2 || key.ptr[0] != 'k' || !parse_number(slice_of(key.ptr + 1, key.len - 1), &n) || n < 0 ||
        n >= PAST_KEYS || db < 0 || db >= PAST_DATABASES)
        return NULL;
    return &s->cells[db * PAST_KEYS + n];
}

/* SET key value [PXAT deadline | KEEPTTL] */
static bool set(struct past_cell *cell, uint32_t argc, const struct slice *argv)
{
    int64_t deadline_ms = -1;
    if (argc == 4 && slice_is(argv[3], "keepttl"))
        deadline_ms = is_there(cell) ? cell->deadline_ms : -1;
    else if (argc != 3 && !(argc == 5 && slice_is(argv[3], "pxat") && parse_number(argv[4], &deadline_ms)))
        return false;
    bool good = past_parse_value(cell, argv[2]);
    cell->deadline_ms = deadline_ms;
    return good;
}

static bool increment(struct past_cell *cell)
{
    int64_t n = 0;
    if (is_there(cell) && !parse_number(slice_str(cell->word), &n))
        return false;
    cell->deadline_ms = is_there(cell) ? cell->deadline_ms : -1;
    memset(cell->word, 0, sizeof cell->word);
    snprintf(cell->word, sizeof cell->word, "%" PRId64, n + 1);
    return true;
}

/* from goes to to, or also stays. */
static bool transfer(struct past_cell *from, struct past_cell *to, bool replace, bool stays)
{
    if (!to || !is_there(from) || (is_there(to) && !replace))
        return false;
    *to = *from;
    if (!stays && to != from)
        *from = absent;
    return true;
}

/* COPY source destination [DB database] [REPLACE] */
static bool copy(struct past_state *s, int64_t db, uint32_t argc, const struct slice *argv)
{
    bool replace = false;
    int64_t to_db = db;
    for (uint32_t i = 3; i < argc; i++) {
        if (slice_is(argv[i], "replace"))
            replace = true;
        else if (!slice_is(argv[i], "db") || i + 1 == argc || !parse_number(argv[++i], &to_db))
            return false;
    }
    return transfer(find(s, db, argv[1]), find(s, to_db, argv[2]), replace, true);
}

static bool swap(struct past_state *s, uint32_t argc, const struct slice *argv)
{
    int64_t a, b;
    if (argc != 3 || !parse_number(argv[1], &a) || !parse_number(argv[2], &b) || a < 0 || b < 0 ||
        a >= PAST_DATABASES || b >= PAST_DATABASES)
        return false;
    for (int i = 0; i < PAST_KEYS; i++) {
        struct past_cell *left = &s->cells[a * PAST_KEYS + i], *right = &s->cells[b * PAST_KEYS + i], old = *left;
        *left = *right;
        *right = old;
    }
    return true;
}

/* Commands whose first argument is a key. */
static bool execute_on_key(struct past_state *s, int64_t db, uint32_t argc, const struct slice *argv)
{
    struct past_cell *cell = argc >= 2 ? find(s, db, argv[1]) : NULL;
    int64_t to_db;
    if (!cell)
        return false;
    if (slice_is(argv[0], "set"))
        return set(cell, argc, argv);
    if (slice_is(argv[0], "incr"))
        return increment(cell);
    if (slice_is(argv[0], "pexpireat"))
        return is_there(cell) && argc == 3 && parse_number(argv[2], &cell->deadline_ms);
    if (slice_is(argv[0], "persist")) {
        cell->deadline_ms = -1;
        return is_there(cell);
    }
    if (slice_is(argv[0], "rename"))
        return argc == 3 && transfer(cell, find(s, db, argv[2]), true, false);
    if (slice_is(argv[0], "move"))
        return argc == 3 && parse_number(argv[2], &to_db) && transfer(cell, find(s, to_db, argv[1]), false, false);
    return slice_is(argv[0], "copy") && argc >= 3 && copy(s, db, argc, argv);
}

/* MSET key value [key value ...] and DEL key [key ...]: step arguments for each key. */
static bool execute_on_keys(struct past_state *s, int64_t db, uint32_t argc, const struct slice *argv, uint32_t step)
{
    for (uint32_t i = 1; i + step <= argc; i += step) {
        struct past_cell *cell = find(s, db, argv[i]);
        if (!cell)
            return false;
        *cell = absent;
        if (step == 2 && !past_parse_value(cell, argv[i + 1]))
            return false;
    }
    return (argc - 1) % step == 0;
}

static bool execute(struct past_state *s, int64_t db, uint32_t argc, const struct slice *argv)
{
    if (db < 0 || db >= PAST_DATABASES)
        return false;
    if (slice_is(argv[0], "mset"))
        return execute_on_keys(s, db, argc, argv, 2);
    if (slice_is(argv[0], "del"))
        return execute_on_keys(s, db, argc, argv, 1);
    if (slice_is(argv[0], "swapdb"))
        return swap(s, argc, argv);
    if (slice_is(argv[0], "flushall")) {
        *s = (struct past_state){0};
        return true;
    }
    if (slice_is(argv[0], "flushdb")) {
        memset(&s->cells[db * PAST_KEYS], 0, PAST_KEYS * sizeof s->cells[0]);
        return true;
    }
    return execute_on_key(s, db, argc, argv);
}

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
    add(p, 0, 0);
}

void past_free(struct past *p)
{
    past_cut(p, 0, 0);
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
            if (argc != 2 || !parse_number(argv[1], &db))
                return false;
            continue;
        }
        struct past_item *item = add(p, position, now_ns);
        item->ends = next.len == 0;
        item->db = (uint32_t)db;
        bytes_put(&item->command, rest.ptr, rest.len - next.len);
        if (!execute(&item->state, db, argc, argv)) {
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

uint32_t past_shown_since(const struct past *p, uint32_t item, uint32_t cell, const struct slice *value, int64_t now_ms)
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

bool past_equal(const struct past_state *a, const struct past_state *b, int64_t now_ms)
{
    for (uint32_t i = 0; i < PAST_CELLS; i++) {
        bool here = is_seen(&a->cells[i], now_ms), there = is_seen(&b->cells[i], now_ms);
        if (here != there || (here && !same_cell(&a->cells[i], &b->cells[i])))
            return false;
    }
    return true;
}

static void print_cell(const struct past_cell *c, int64_t now_ms)
{
    if (!is_there(c))
        fprintf(stderr, " nothing");
    else
        fprintf(stderr, " %s:%" PRIu64 " until %" PRId64 "%s", c->word, c->filler, c->deadline_ms,
                is_seen(c, now_ms) ? "" : " (expired)");
}

void past_print_difference(const struct past_state *a, const struct past_state *b, int64_t now_ms)
{
    for (uint32_t i = 0; i < PAST_CELLS; i++) {
        const struct past_cell *here = &a->cells[i], *there = &b->cells[i];
        if (same_cell(here, there) || (!is_seen(here, now_ms) && !is_seen(there, now_ms)))
            continue;
        fprintf(stderr, "  %u k%u:", i / PAST_KEYS, i % PAST_KEYS);
        print_cell(here, now_ms);
        fprintf(stderr, ", and");
        print_cell(there, now_ms);
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
        for (uint32_t k = 0; k < argc; k++)
            fprintf(stderr, " %.*s", argv[k].len < SHOWN_BYTES_MAX ? (int)argv[k].len : SHOWN_BYTES_MAX, argv[k].ptr);
        fputs(item->ends ? "\n" : ", and\n", stderr);
    }
}
