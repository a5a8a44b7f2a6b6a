/* List commands. Semantics, order of checks and error texts: Redis 7.4 t_list.c. */
#include "shard/type/list_value.h"

#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* ---- What many handlers do ---- */

/* The list at key i, to read it or to write it. False: it answered an error. */
static bool open_to_read(struct cmd *c, uint32_t i, struct list_value *l)
{
    enum status status = list_value_read(cmd_keyspace(c, i), c->db, &c->keys[i], l);
    if (status)
        error_reply(c->reply, status);
    return !status;
}

static bool open_to_write(struct cmd *c, uint32_t i, struct list_value *l)
{
    enum status status = list_value_write(cmd_keyspace(c, i), c->db, &c->keys[i], l);
    if (status)
        error_reply(c->reply, status);
    return !status;
}

/* LEFT|RIGHT */
static bool arg_end(struct cmd *c, uint32_t i, enum list_end *out)
{
    *out = slice_is(c->argv[i], "left") ? LIST_HEAD : LIST_TAIL;
    if (*out == LIST_HEAD || slice_is(c->argv[i], "right"))
        return true;
    reply_syntax_error(c);
    return false;
}

static void reply_element(struct reply *r, struct listpack_value v)
{
    if (v.string)
        reply_bulk(r, v.string, v.len);
    else
        reply_bulk_int(r, v.integer);
}

struct range {
    struct reply *reply;
    uint64_t left;
};

static bool give_element(void *arg, struct listpack_value element)
{
    struct range *range = arg;
    reply_element(range->reply, element);
    return --range->left > 0;
}

/* An array of n elements, which there are, from the one with that index on. */
static void reply_range(struct cmd *c, const struct list_value *l, uint64_t index, uint64_t n, enum list_end from)
{
    reply_array(c->reply, (int64_t)n);
    if (n > 0)
        list_value_walk(l, index, from, give_element, &(struct range){c->reply, n});
}

/* ---- Reading ---- */

/* LLEN key */
static void list_llen(struct cmd *c)
{
    struct list_value l;
    if (open_to_read(c, 0, &l))
        reply_int(c->reply, (int64_t)list_value_len(&l));
}

/* LINDEX key index: without a list, the index may be anything. */
static void list_lindex(struct cmd *c)
{
    struct list_value l;
    int64_t index = 0;
    struct listpack_value element;
    if (!open_to_read(c, 0, &l) || (list_value_exists(&l) && !arg_i64(c, 2, &index)))
        return;
    if (list_value_get(&l, index, &element))
        reply_element(c->reply, element);
    else
        reply_null(c->reply);
}

/* A range as clients give it, of which len elements are cut down to first and n. Negative indexes are from the end. */
static void clamp(int64_t start, int64_t stop, uint64_t len, uint64_t *first, uint64_t *n)
{
    int64_t size = (int64_t)len;
    start = start < 0 ? start + size : start;
    stop = stop < 0 ? stop + size : stop;
    start = start < 0 ? 0 : start;
    stop = stop >= size ? size - 1 : stop;
    *first = (uint64_t)start;
    *n = start > stop ? 0 : (uint64_t)(stop - start) + 1;
}

/* LRANGE key start stop */
static void list_lrange(struct cmd *c)
{
    struct list_value l;
    int64_t start, stop;
    uint64_t first, n;
    if (!arg_i64(c, 2, &start) || !arg_i64(c, 3, &stop) || !open_to_read(c, 0, &l))
        return;
    clamp(start, stop, list_value_len(&l), &first, &n);
    reply_range(c, &l, first, n, LIST_HEAD);
}

/* LPOS: what is sought, and what has been found so far. */
struct search {
    struct listpack_value element;
    uint64_t rank, most_looked_at; /* the first match that counts; how many elements are compared */
    bool all;                      /* COUNT is given: matches are an array of up to most, else it is one */
    uint64_t most;
    enum list_end from;
    uint64_t len, looked_at, matches, given;
    struct reply *reply;
};

static bool look_at_element(void *arg, struct listpack_value element)
{
    struct search *s = arg;
    uint64_t i = s->looked_at++;
    if (listpack_value_eq(element, s->element) && ++s->matches >= s->rank) {
        reply_int(s->reply, (int64_t)(s->from == LIST_HEAD ? i : s->len - 1 - i));
        s->given++;
    }
    return s->given < s->most && s->looked_at < s->most_looked_at;
}

static bool parse_rank(struct cmd *c, uint32_t i, struct search *s)
{
    int64_t rank;
    if (!arg_i64_signed(c, i, &rank))
        return false;
    if (rank == 0) {
        reply_error(c->reply, "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or "
                              "use negative to start from the end of the list");
        return false;
    }
    s->from = rank > 0 ? LIST_HEAD : LIST_TAIL;
    s->rank = (uint64_t)(rank > 0 ? rank : -rank);
    return true;
}

/* Zero is no limit. */
static uint64_t limit_of(uint64_t given) { return given == 0 ? UINT64_MAX : given; }

static bool parse_search(struct cmd *c, struct search *s)
{
    *s = (struct search){.element = listpack_value_of(c->argv[2]),
                         .rank = 1,
                         .most_looked_at = UINT64_MAX,
                         .most = 1,
                         .reply = c->reply};
    for (uint32_t i = 3; i < c->argc; i += 2) {
        int64_t n;
        if (i + 1 < c->argc && slice_is(c->argv[i], "rank")) {
            if (!parse_rank(c, i + 1, s))
                return false;
        } else if (i + 1 < c->argc && slice_is(c->argv[i], "count")) {
            if (!arg_i64_from(c, i + 1, 0, "ERR COUNT can't be negative", &n))
                return false;
            s->all = true;
            s->most = limit_of((uint64_t)n);
        } else if (i + 1 < c->argc && slice_is(c->argv[i], "maxlen")) {
            if (!arg_i64_from(c, i + 1, 0, "ERR MAXLEN can't be negative", &n))
                return false;
            s->most_looked_at = limit_of((uint64_t)n);
        } else {
            reply_syntax_error(c);
            return false;
        }
    }
    return true;
}

/* LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len] */
static void list_lpos(struct cmd *c)
{
    struct list_value l;
    struct search s;
    if (!parse_search(c, &s) || !open_to_read(c, 0, &l))
        return;
    size_t place = s.all ? reply_defer(c->reply) : 0;
    s.len = list_value_len(&l);
    if (s.len > 0)
        list_value_walk(&l, s.from == LIST_HEAD ? 0 : s.len - 1, s.from, look_at_element, &s);
    if (s.all)
        reply_defer_end(c->reply, place, '*', (int64_t)s.given);
    else if (s.given == 0)
        reply_null(c->reply);
}

/* ---- Putting in ---- */

static void push(struct cmd *c, enum list_end end, bool only_if_there)
{
    struct list_value l;
    if (!open_to_write(c, 0, &l))
        return;
    if (only_if_there && !list_value_exists(&l)) {
        reply_int(c->reply, 0);
        return;
    }
    enum status status = list_value_push(&l, c->limits->list_node_size, end, c->argv + 2, c->argc - 2);
    if (status) {
        error_reply(c->reply, status);
        return;
    }
    cmd_changed(c);
    reply_int(c->reply, (int64_t)list_value_len(&l));
}

/* LPUSH key element [element ...] */
static void list_lpush(struct cmd *c) { push(c, LIST_HEAD, false); }

/* RPUSH key element [element ...] */
static void list_rpush(struct cmd *c) { push(c, LIST_TAIL, false); }

/* LPUSHX key element [element ...] */
static void list_lpushx(struct cmd *c) { push(c, LIST_HEAD, true); }

/* RPUSHX key element [element ...] */
static void list_rpushx(struct cmd *c) { push(c, LIST_TAIL, true); }

/* LINSERT key BEFORE|AFTER pivot element */
static void list_linsert(struct cmd *c)
{
    struct list_value l;
    bool after = slice_is(c->argv[2], "after");
    if (!after && !slice_is(c->argv[2], "before")) {
        reply_syntax_error(c);
        return;
    }
    if (!open_to_write(c, 0, &l))
        return;
    if (!list_value_exists(&l)) {
        reply_int(c->reply, 0);
        return;
    }
    enum status status = list_value_insert(&l, c->limits->list_node_size, after, c->argv[3], c->argv[4]);
    if (status == STATUS_NOT_FOUND) {
        reply_int(c->reply, -1);
    } else if (status) {
        error_reply(c->reply, status);
    } else {
        cmd_changed(c);
        reply_int(c->reply, (int64_t)list_value_len(&l));
    }
}

/* LSET key index element */
static void list_lset(struct cmd *c)
{
    struct list_value l;
    int64_t index;
    if (!open_to_write(c, 0, &l))
        return;
    if (!list_value_exists(&l)) {
        reply_error(c->reply, "ERR no such key");
        return;
    }
    if (!arg_i64(c, 2, &index))
        return;
    enum status status = list_value_set(&l, c->limits->list_node_size, index, c->argv[3]);
    if (status) {
        error_reply(c->reply, status);
        return;
    }
    cmd_changed(c);
    reply_ok(c->reply);
}

/* ---- Taking out ---- */

/* Answers with n elements from an end on and deletes them. */
static void pop_range(struct cmd *c, struct list_value *l, enum list_end end, uint64_t n)
{
    reply_range(c, l, end == LIST_HEAD ? 0 : list_value_len(l) - 1, n, end);
    list_value_trim(l, c->limits->list_node_size, end, n);
    cmd_changed(c);
}

static uint64_t at_most_all(const struct list_value *l, int64_t count)
{
    return (uint64_t)count < list_value_len(l) ? (uint64_t)count : list_value_len(l);
}

static void pop(struct cmd *c, enum list_end end)
{
    struct list_value l;
    int64_t count = 1;
    bool range = c->argc == 3;
    if (c->argc > 3) {
        command_reply_arity(c->reply, c->row);
        return;
    }
    if (range && !arg_i64_from(c, 2, 0, "ERR value is out of range, must be positive", &count))
        return;
    if (!open_to_write(c, 0, &l))
        return;
    if (!list_value_exists(&l)) {
        (range ? reply_null_array : reply_null)(c->reply);
    } else if (count == 0) {
        reply_array(c->reply, 0);
    } else if (range) {
        pop_range(c, &l, end, at_most_all(&l, count));
    } else {
        reply_element(c->reply, list_value_end_element(&l, end));
        list_value_trim(&l, c->limits->list_node_size, end, 1);
        cmd_changed(c);
    }
}

/* LPOP key [count] */
static void list_lpop(struct cmd *c) { pop(c, LIST_HEAD); }

/* RPOP key [count] */
static void list_rpop(struct cmd *c) { pop(c, LIST_TAIL); }

/* Pops up to count elements of the first key that holds some. False, and no answer, if none does; goes into the journal
 * as what it did, which is also what a command that waited has done. */
static bool pop_first(struct cmd *c, enum list_end end, int64_t count)
{
    struct list_value l;
    char number[NUM_INT_CHARS];
    for (uint32_t i = 0; i < c->nkeys; i++) {
        if (!open_to_write(c, i, &l))
            return true;
        if (!list_value_exists(&l))
            continue;
        uint64_t n = at_most_all(&l, count);
        struct slice key = key_slice(&c->keys[i]), text = slice_of(number, num_u64(number, n));
        reply_array(c->reply, 2);
        reply_bulk_slice(c->reply, key);
        pop_range(c, &l, end, n);
        cmd_effect(c, 3, (struct slice[]){slice_str(end == LIST_HEAD ? "LPOP" : "RPOP"), key, text});
        return true;
    }
    return false;
}

/* LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count] */
static void list_lmpop(struct cmd *c)
{
    int64_t keys, count = 0;
    enum list_end end;
    if (!arg_i64_from(c, 1, 1, "ERR numkeys should be greater than 0", &keys))
        return;
    if (keys > c->argc - 3) {
        reply_syntax_error(c);
        return;
    }
    uint32_t options = 3 + (uint32_t)keys;
    if (!arg_end(c, options - 1, &end))
        return;
    for (uint32_t i = options; i < c->argc; i += 2) {
        if (count > 0 || i + 1 == c->argc || !slice_is(c->argv[i], "count")) {
            reply_syntax_error(c);
            return;
        }
        if (!arg_i64_from(c, i + 1, 1, "ERR count should be greater than 0", &count))
            return;
    }
    if (!pop_first(c, end, count > 0 ? count : 1))
        reply_null_array(c->reply);
}

/* LTRIM key start stop */
static void list_ltrim(struct cmd *c)
{
    struct list_value l;
    int64_t start, stop;
    uint64_t first, n;
    if (!arg_i64(c, 2, &start) || !arg_i64(c, 3, &stop) || !open_to_write(c, 0, &l))
        return;
    uint64_t len = list_value_len(&l);
    clamp(start, stop, len, &first, &n);
    if (n < len) {
        list_value_trim(&l, c->limits->list_node_size, LIST_HEAD, n > 0 ? first : len);
        if (n > 0)
            list_value_trim(&l, c->limits->list_node_size, LIST_TAIL, len - first - n);
        cmd_changed(c);
    }
    reply_ok(c->reply);
}

/* LREM key count element */
static void list_lrem(struct cmd *c)
{
    struct list_value l;
    int64_t count;
    if (!arg_i64(c, 2, &count) || !open_to_write(c, 0, &l))
        return;
    uint64_t removed = 0;
    if (list_value_exists(&l))
        removed = list_value_remove(&l, c->limits->list_node_size, count < 0 ? LIST_TAIL : LIST_HEAD,
                                    limit_of(count < 0 ? -(uint64_t)count : (uint64_t)count), c->argv[3]);
    if (removed > 0)
        cmd_changed(c);
    reply_int(c->reply, (int64_t)removed);
}

/* ---- Moving ---- */

static void move_element(struct cmd *c, enum list_end from, enum list_end to)
{
    struct list_value src, dst;
    if (!open_to_write(c, 0, &src))
        return;
    if (!list_value_exists(&src)) {
        reply_null(c->reply);
        return;
    }
    if (!open_to_write(c, 1, &dst))
        return;
    reply_element(c->reply, list_value_end_element(&src, from));
    list_value_move(&src, from, &dst, to, c->limits->list_node_size);
    cmd_changed(c);
}

/* LMOVE source destination LEFT|RIGHT LEFT|RIGHT */
static void list_lmove(struct cmd *c)
{
    enum list_end from, to;
    if (arg_end(c, 3, &from) && arg_end(c, 4, &to))
        move_element(c, from, to);
}

/* RPOPLPUSH source destination */
static void list_rpoplpush(struct cmd *c) { move_element(c, LIST_TAIL, LIST_HEAD); }

/* clang-format off */
struct command list_commands[] = {
    {ROW("blmove", NULL, 6, CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)},
     DOC("6.2.0", "list", "O(1)", "Moves an element between two lists; waits for one if there is none.")},
    {ROW("blmpop", NULL, -5, CMD_WRITE | CMD_BLOCKING, ACL_LIST),
     .keys = {KEY_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("7.0.0", "list",
         "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
         "Pops elements from the first list that is not empty; waits for one if all are.")},
    {ROW("blpop", NULL, -3, CMD_WRITE | CMD_BLOCKING, ACL_LIST),
     .keys = {KEY_RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("2.0.0", "list", "O(N) where N is the number of provided keys.",
         "Pops the first element of the first list that is not empty; waits if all are."),
     HISTORY({"6.0.0", "`timeout` is interpreted as a double instead of an integer."})},
    {ROW("brpop", NULL, -3, CMD_WRITE | CMD_BLOCKING, ACL_LIST),
     .keys = {KEY_RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("2.0.0", "list", "O(N) where N is the number of provided keys.",
         "Pops the last element of the first list that is not empty; waits if all are."),
     HISTORY({"6.0.0", "`timeout` is interpreted as a double instead of an integer."})},
    {ROW("brpoplpush", NULL, 4, CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)},
     DOC("2.2.0", "list", "O(1)", "Moves the last element of a list to the front of another; waits if there is none."),
     DEPRECATED("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
     HISTORY({"6.0.0", "`timeout` is interpreted as a double instead of an integer."})},
    {ROW("lindex", list_lindex, 3, CMD_READONLY, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "list",
         "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for "
         "the first or the last element of the list O(1).",
         "Returns the element of a list at an index.")},
    {ROW("linsert", list_linsert, 5, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("2.2.0", "list",
         "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting"
         " somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right "
         "end (tail) is O(N).",
         "Inserts an element before or after another one.")},
    {ROW("llen", list_llen, 2, CMD_READONLY | CMD_FAST, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("1.0.0", "list", "O(1)", "Counts the elements of a list.")},
    {ROW("lmove", list_lmove, 5, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)},
     DOC("6.2.0", "list", "O(1)", "Moves an element between two lists.")},
    {ROW("lmpop", list_lmpop, -4, CMD_WRITE, ACL_LIST),
     .keys = {KEY_COUNTED(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("7.0.0", "list",
         "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
         "Pops elements from the first list that is not empty.")},
    {ROW("lpop", list_lpop, -2, CMD_WRITE | CMD_FAST, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("1.0.0", "list", "O(N) where N is the number of elements returned",
         "Pops elements from the front of a list."),
     HISTORY({"6.2.0", "Added the `count` argument."})},
    {ROW("lpos", list_lpos, -3, CMD_READONLY, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.0.6", "list",
         "O(N) where N is the number of elements in the list, for the average case. When searching for elements near "
         "the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant "
         "time.",
         "Returns the index of matching elements of a list.")},
    {ROW("lpush", list_lpush, -3, CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("1.0.0", "list",
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
         "Puts elements in front of a list; creates the list if it is missing."),
     HISTORY({"2.4.0", "Accepts multiple `element` arguments."})},
    {ROW("lpushx", list_lpushx, -3, CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("2.2.0", "list",
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
         "Puts elements in front of a list if it exists."),
     HISTORY({"4.0.0", "Accepts multiple `element` arguments."})},
    {ROW("lrange", list_lrange, 4, CMD_READONLY, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "list",
         "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) "
         "for large lists; and N is the number of elements in the specified range.",
         "Returns a range of a list.")},
    {ROW("lrem", list_lrem, 4, CMD_WRITE, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("1.0.0", "list",
         "O(N+M) where N is the length of the list and M is the number of elements removed.",
         "Removes matching elements from a list.")},
    {ROW("lset", list_lset, 4, CMD_WRITE | CMD_DENYOOM, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("1.0.0", "list",
         "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
         "Sets the element of a list at an index.")},
    {ROW("ltrim", list_ltrim, 4, CMD_WRITE, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("1.0.0", "list", "O(N) where N is the number of elements to be removed by the operation.",
         "Removes everything but a range from a list.")},
    {ROW("rpop", list_rpop, -2, CMD_WRITE | CMD_FAST, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("1.0.0", "list", "O(N) where N is the number of elements returned", "Pops elements from the end of a list."),
     HISTORY({"6.2.0", "Added the `count` argument."})},
    {ROW("rpoplpush", list_rpoplpush, 3, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)},
     DOC("1.2.0", "list", "O(1)", "Moves the last element of a list to the front of another."),
     DEPRECATED("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")},
    {ROW("rpush", list_rpush, -3, CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("1.0.0", "list",
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
         "Puts elements at the end of a list; creates the list if it is missing."),
     HISTORY({"2.4.0", "Accepts multiple `element` arguments."})},
    {ROW("rpushx", list_rpushx, -3, CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_SIGNAL, ACL_LIST),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("2.2.0", "list",
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
         "Puts elements at the end of a list if it exists."),
     HISTORY({"4.0.0", "Accepts multiple `element` arguments."})},
    {.name = NULL},
};
/* clang-format on */
