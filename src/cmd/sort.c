/* SORT and SORT_RO. Semantics, order of checks and error texts: Redis 7.4 sort.c. They run on a fiber, and give way
 * between any two steps while their shards stay held. A pattern may lead to any shard: then all of them are. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "shard/entry.h"
#include "shard/type/list_value.h"
#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/keys.h"
#include "src/cmd/row.h"
#include "src/cmd/sort_order.h"
#include "src/cmd/sort_pattern.h"

struct sort {
    struct cmd *cmd;
    bool as_is, alpha, descending;
    bool has_by, stores;
    struct sort_pattern by;
    struct sort_pattern *gets; /* owned */
    uint32_t ngets;
    int64_t offset, limit; /* limit < 0: none */

    struct sort_item *items; /* owned */
    uint64_t n;
    uint64_t first, count; /* what of items is the result */
    struct sort_order order;
    struct sort_name name;
};

/* ---- Options ---- */

static bool parse_option(struct cmd *c, struct sort *s, bool may_store, uint32_t *i)
{
    struct slice word = c->argv[*i];
    uint32_t left = c->argc - *i - 1;
    if (slice_is(word, "asc")) {
        s->descending = false;
    } else if (slice_is(word, "desc")) {
        s->descending = true;
    } else if (slice_is(word, "alpha")) {
        s->alpha = true;
    } else if (slice_is(word, "limit") && left >= 2) {
        if (!arg_i64(c, *i + 1, &s->offset) || !arg_i64(c, *i + 2, &s->limit))
            return false;
        *i += 2;
    } else if (may_store && slice_is(word, "store") && left >= 1) {
        s->stores = true;
        *i += 1;
    } else if (slice_is(word, "by") && left >= 1) {
        s->has_by = true;
        s->by = sort_pattern_of(c->argv[++*i]);
        s->as_is = s->as_is || s->by.what != SORT_KEY;
    } else if (slice_is(word, "get") && left >= 1) {
        s->gets[s->ngets++] = sort_pattern_of(c->argv[++*i]);
    } else {
        reply_syntax_error(c);
        return false;
    }
    return true;
}

static bool parse_options(struct cmd *c, struct sort *s, bool may_store)
{
    s->limit = -1;
    s->gets = mem_alloc(NULL, c->argc * sizeof *s->gets);
    for (uint32_t i = 2; i < c->argc; i++)
        if (!parse_option(c, s, may_store, &i))
            return false;
    ASSERT(!s->stores || c->nkeys == 2);
    return true;
}

/* BY and GET, as above, but for what is no pattern. */
static bool sort_reaches(uint32_t argc, const struct slice *argv)
{
    for (uint32_t i = 2; i + 1 < argc; i++) {
        if (!slice_is(argv[i], "by") && !slice_is(argv[i], "get"))
            continue;
        struct sort_pattern p = sort_pattern_of(argv[i + 1]);
        if (sort_pattern_reaches(&p, argv[1]))
            return true;
    }
    return false;
}

/* Cuts the result out of total elements. */
static void choose_range(struct sort *s, uint64_t total)
{
    uint64_t offset = s->offset > 0 ? (uint64_t)s->offset : 0;
    s->first = offset < total ? offset : total;
    s->count = total - s->first;
    if (s->limit >= 0 && (uint64_t)s->limit < s->count)
        s->count = (uint64_t)s->limit;
}

/* ---- Elements ---- */

/* Taking those of a range. */
struct taking {
    struct sort *sort;
    uint64_t skipped; /* before the first */
    uint64_t n;
};

static bool take_element(void *arg, struct listpack_value element)
{
    struct taking *t = arg;
    struct sort *s = t->sort;
    sort_order_step(&s->order);
    if (t->skipped > 0) {
        t->skipped--;
    } else if (s->n < t->n) {
        s->items[s->n] = (struct sort_item){.element = element, .index = s->n};
        s->n++;
    }
    return s->n < t->n;
}

/* Texts of integers are made for the call; other texts lie in the value and stay. */
static void take_member(void *arg, struct slice member, struct slice score)
{
    take_element(arg, listpack_value_of(member));
}

static void turn(struct sort_item *items, uint64_t n)
{
    for (uint64_t i = 0; i < n / 2; i++) {
        struct sort_item other = items[i];
        items[i] = items[n - 1 - i];
        items[n - 1 - i] = other;
    }
}

/* Of what is not sorted, the range alone is taken: from the end if it is descending. */
static void take_elements(struct sort *s, struct keyspace *ks, struct place place)
{
    struct typed_value v = entry_typed_value(place.entry);
    uint64_t total = value_count(v);
    struct taking t = {.sort = s, .n = s->as_is ? s->count : total};
    if (t.n == 0)
        return;
    s->items = mem_alloc(NULL, t.n * sizeof *s->items);
    if (v.type == TYPE_LIST) {
        struct list_value l = {ks, &s->cmd->keys[0], place};
        uint64_t from = !s->as_is ? 0 : s->descending ? total - 1 - s->first : s->first;
        list_value_walk(&l, from, s->as_is && s->descending ? LIST_TAIL : LIST_HEAD, take_element, &t);
    } else {
        t.skipped = !s->as_is ? 0 : s->descending ? total - s->first - s->count : s->first;
        value_each(v, take_member, &t);
        if (s->as_is && s->descending)
            turn(s->items, s->n);
    }
    s->first = s->as_is ? 0 : s->first;
}

/* ---- Weights ---- */

/* As strtod reads it up to its end or a zero byte, which nothing at all is 0 to; but no nan, overflow or underflow. */
static bool parse_score(struct slice text, double *out)
{
    char buf[64], *copy = text.len < sizeof buf ? buf : mem_alloc(NULL, text.len + 1), *end;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    errno = 0;
    *out = strtod(copy, &end);
    bool good = *end == '\0' && errno != ERANGE && !isnan(*out);
    if (copy != buf)
        mem_free(NULL, copy);
    return good;
}

/* Gives the item what it is compared by. A weight that is missing is 0, or before all texts. */
static bool weigh(struct sort *s, struct sort_item *item)
{
    char digits[NUM_INT_CHARS];
    struct sort_value weight = {.exists = true, .value = item->element};
    if (s->has_by)
        weight = sort_pattern_look_up(s->cmd, &s->by, item->element, &s->name);
    if (s->alpha)
        item->text = weight.exists ? sort_order_text(&s->order, listpack_text_of(weight.value, digits)) : SORT_NO_TEXT;
    else if (!weight.exists || !weight.value.string)
        item->score = weight.exists ? (double)weight.value.integer : 0;
    else
        return parse_score(slice_of(weight.value.string, weight.value.len), &item->score);
    return true;
}

/* False: a weight is no number. */
static bool arrange(struct sort *s)
{
    s->order.as_text = s->alpha;
    s->order.descending = s->descending;
    for (uint64_t i = 0; i < s->n; i++) {
        sort_order_step(&s->order);
        if (!weigh(s, &s->items[i]))
            return false;
    }
    sort_arrange(&s->order, s->items, s->n, s->first, s->count);
    return true;
}

/* ---- The result ---- */

/* Calls fn with each element of the result, or with what GET names in its place, until it returns false. */
typedef bool sort_give(void *arg, const struct sort_value *v);

static bool give_result(struct sort *s, sort_give *fn, void *arg)
{
    for (uint64_t i = s->first; i < s->first + s->count; i++) {
        struct sort_value element = {.exists = true, .value = s->items[i].element};
        sort_order_step(&s->order);
        if (s->ngets == 0 && !fn(arg, &element))
            return false;
        for (uint32_t k = 0; k < s->ngets; k++) {
            struct sort_value got = {0};
            if (s->gets[k].what == SORT_ELEMENT)
                got = element;
            else if (s->gets[k].what == SORT_KEY)
                got = sort_pattern_look_up(s->cmd, &s->gets[k], element.value, &s->name);
            if (!fn(arg, &got))
                return false;
        }
    }
    return true;
}

static bool reply_value(void *arg, const struct sort_value *v)
{
    struct reply *r = arg;
    if (!v->exists)
        reply_null(r);
    else if (v->blob)
        reply_bulk_blob(r, v->blob, 0, v->value.len);
    else if (v->value.string)
        reply_bulk(r, v->value.string, v->value.len);
    else
        reply_bulk_int(r, v->value.integer);
    return true;
}

/* What is missing is stored as empty. False: it is too long for a list. */
static bool push_value(void *arg, const struct sort_value *v)
{
    char digits[NUM_INT_CHARS];
    struct slice text = v->exists ? listpack_text_of(v->value, digits) : slice_of("", 0);
    if (text.len > QUICKLIST_ELEMENT_BYTES_MAX)
        return false;
    quicklist_push(arg, LIST_TAIL, text);
    return true;
}

static void store_result(struct sort *s, uint64_t n)
{
    struct cmd *c = s->cmd;
    struct value_home *home = keyspace_values(cmd_keyspace(c, 1));
    struct quicklist_limit limit = quicklist_limit(c->limits->list_node_size);
    struct quicklist *made = quicklist_create(home, &limit);
    if (!give_result(s, push_value, made)) {
        value_discard(home, ENC_QUICKLIST, made);
        error_reply(c->reply, STATUS_TOO_LONG);
        return;
    }
    if (list_value_store(cmd_keyspace(c, 1), c->db, &c->keys[1], made))
        cmd_changed(c);
    reply_int(c->reply, (int64_t)n);
}

static void answer(struct sort *s)
{
    uint64_t n = s->count * (s->ngets > 0 ? s->ngets : 1);
    if (s->stores) {
        store_result(s, n);
        return;
    }
    reply_array(s->cmd->reply, (int64_t)n);
    give_result(s, reply_value, s->cmd->reply);
}

/* ---- The command ---- */

static bool is_sortable(const struct entry *e)
{
    return !e || e->type == TYPE_LIST || e->type == TYPE_SET || e->type == TYPE_ZSET;
}

/* What is stored must be the same whenever the journal is read, but sets have no order: it is made from their members.
 */
static void make_definite(struct sort *s)
{
    s->order.element_decides = true;
    if (!s->as_is)
        return;
    s->as_is = s->has_by = false;
    s->alpha = true;
}

static void run(struct sort *s)
{
    struct cmd *c = s->cmd;
    struct keyspace *ks = cmd_keyspace(c, 0);
    struct place place = keyspace_read(ks, c->db, &c->keys[0]);
    if (!is_sortable(place.entry)) {
        error_reply(c->reply, STATUS_WRONG_TYPE);
        return;
    }
    if (place.entry && place.entry->type == TYPE_SET && s->stores)
        make_definite(s);
    if (s->alpha && !s->as_is && !s->stores)
        s->order.locale = newlocale(LC_COLLATE_MASK, c->limits->collate, NULL);
    choose_range(s, place.entry ? value_count(entry_typed_value(place.entry)) : 0);
    if (place.entry)
        take_elements(s, ks, place);
    if (s->as_is || arrange(s))
        answer(s);
    else
        reply_error(c->reply, "ERR One or more scores can't be converted into double");
}

static void sort(struct cmd *c, bool may_store)
{
    struct sort s = {.cmd = c, .order.cmd = c};
    if (parse_options(c, &s, may_store))
        run(&s);
    sort_order_deinit(&s.order);
    sort_name_deinit(&s.name);
    mem_free(NULL, s.gets);
    mem_free(NULL, s.items);
}

/* SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC|DESC] [ALPHA] [STORE destination] */
static void sort_sort(struct cmd *c) { sort(c, true); }

/* SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC|DESC] [ALPHA] */
static void sort_sort_ro(struct cmd *c) { sort(c, false); }

/* clang-format off */
struct command sort_commands[] = {
    {ROW("sort", sort_sort, -2, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL | CMD_FIBER,
         ACL_SET | ACL_SORTED_SET | ACL_LIST | ACL_DANGEROUS),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS),
              KEY_UNKNOWN(KEY_RO | KEY_ACCESS,
               .notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from "
                         "the content of the key we sort"),
              KEY_UNKNOWN(KEY_OW | KEY_UPDATE,
               .notes = "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear "
                         "anywhere in the argument array")},
     .find_keys = keys_of_sort, .reaches = sort_reaches,
     DOC("1.0.0", "generic",
         "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned "
         "elements. When the elements are not sorted, complexity is O(N).",
         "Sorts a list, set or sorted set, and may store the result.")},
    {ROW("sort_ro", sort_sort_ro, -2, CMD_READONLY | CMD_FIBER, ACL_SET | ACL_SORTED_SET | ACL_LIST | ACL_DANGEROUS),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS),
              KEY_UNKNOWN(KEY_RO | KEY_ACCESS,
               .notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from "
                         "the content of the key we sort")},
     .find_keys = keys_of_sort_ro, .reaches = sort_reaches,
     DOC("7.0.0", "generic",
         "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned "
         "elements. When the elements are not sorted, complexity is O(N).",
         "Sorts a list, set or sorted set.")},
    {.name = NULL},
};
/* clang-format on */
