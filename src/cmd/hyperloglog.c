/* HyperLogLog commands, but for PFSELFTEST, which takes a while. Semantics, order of checks and error texts: Redis 7.4
 * hyperloglog.c. */
#include "shard/type/hyperloglog.h"
#include "shard/ds/hll_sparse.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* PFADD key [element ...] */
static void hyperloglog_pfadd(struct cmd *c)
{
    bool changed;
    enum status status = hyperloglog_add(cmd_keyspace(c, 0), c->db, &c->keys[0], c->argv + 2, c->argc - 2,
                                         c->limits->hll_sparse_max_bytes, &changed);
    if (changed)
        cmd_changed(c);
    if (status)
        error_reply(c->reply, status);
    else
        reply_int(c->reply, changed);
}

/* All keys of the command in one. False: it answered an error. */
static bool raise_all(struct cmd *c, struct hll_registers *r, bool *dense)
{
    for (uint32_t i = 0; i < c->nkeys; i++) {
        enum status status = hyperloglog_raise(cmd_keyspace(c, i), c->db, &c->keys[i], r, dense);
        if (status) {
            error_reply(c->reply, status);
            return false;
        }
    }
    return true;
}

static void count_together(struct cmd *c)
{
    struct hll_registers r = {0};
    bool dense;
    if (raise_all(c, &r, &dense))
        reply_int(c->reply, (int64_t)hll_registers_count(&r));
}

/* PFCOUNT key [key ...]. Of one key the result is kept in its value, which is a change like any other. */
static void hyperloglog_pfcount(struct cmd *c)
{
    if (c->nkeys > 1) {
        count_together(c);
        return;
    }
    uint64_t count;
    bool changed;
    enum status status = hyperloglog_count(cmd_keyspace(c, 0), c->db, &c->keys[0], &count, &changed);
    if (changed)
        cmd_changed(c);
    if (status)
        error_reply(c->reply, status);
    else
        reply_int(c->reply, (int64_t)count);
}

/* PFMERGE destkey [sourcekey ...] */
static void hyperloglog_pfmerge(struct cmd *c)
{
    struct hll_registers r = {0};
    bool dense = false;
    if (!raise_all(c, &r, &dense))
        return;
    hyperloglog_store(cmd_keyspace(c, 0), c->db, &c->keys[0], &r, dense, c->limits->hll_sparse_max_bytes);
    cmd_changed(c);
    reply_ok(c->reply);
}

/* ---- PFDEBUG ---- */

/* The value in its dense form. False: it answered an error. */
static bool make_dense(struct cmd *c, bool *changed)
{
    enum status status = hyperloglog_make_dense(cmd_keyspace(c, 0), c->db, &c->keys[0], changed);
    if (status)
        error_reply(c->reply, status);
    else if (*changed)
        cmd_changed(c);
    return !status;
}

/* PFDEBUG GETREG key: all registers. Makes it dense. */
static void debug_getreg(struct cmd *c)
{
    struct slice hll;
    bool changed;
    if (!make_dense(c, &changed))
        return;
    hyperloglog_look(cmd_keyspace(c, 0), c->db, &c->keys[0], &hll);
    reply_array(c->reply, HLL_REGISTERS);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        reply_int(c->reply, hll_dense_get(hll.ptr, i));
}

/* PFDEBUG TODENSE key: whether it was not. */
static void debug_todense(struct cmd *c)
{
    bool changed;
    if (make_dense(c, &changed))
        reply_int(c->reply, changed);
}

static size_t show_run(char *text, const struct hll_run *run)
{
    size_t n = 0;
    text[n++] = run->rank > 0 ? 'v' : run->bytes == 1 ? 'z' : 'Z';
    text[n++] = ':';
    if (run->rank > 0) {
        n += num_u64(text + n, run->rank);
        text[n++] = ',';
    }
    n += num_u64(text + n, run->span);
    text[n++] = ' ';
    return n;
}

/* PFDEBUG DECODE key: the runs of the sparse form: z and Z of zeros, in one byte and in two, v of a rank. */
static void debug_decode(struct cmd *c, struct slice hll)
{
    enum { RUN_CHARS_MAX = 2 * NUM_INT_CHARS };
    if (hll_encoding(hll.ptr) != HLL_SPARSE) {
        reply_error(c->reply, "ERR HLL encoding is not sparse");
        return;
    }
    struct reply text;
    struct hll_run run;
    reply_init(&text, 2);
    for (size_t at = HLL_HEADER_BYTES; at < hll.len && hll_run_at(hll, at, &run); at += run.bytes)
        reply_commit(&text, show_run(reply_reserve(&text, RUN_CHARS_MAX), &run));
    reply_bulk(c->reply, text.buf, text.len > 0 ? text.len - 1 : 0);
    reply_deinit(&text);
}

static void reply_unknown_debug(struct cmd *c, struct slice word)
{
    enum { SHOWN_BYTES_MAX = 256 };
    size_t shown = strnlen(word.ptr, word.len < SHOWN_BYTES_MAX ? word.len : SHOWN_BYTES_MAX);
    reply_errorf(c->reply, "ERR Unknown PFDEBUG subcommand '%.*s'", (int)shown, word.ptr);
}

/* PFDEBUG GETREG|DECODE|ENCODING|TODENSE key */
static void hyperloglog_pfdebug(struct cmd *c)
{
    struct slice hll;
    enum status status = hyperloglog_look(cmd_keyspace(c, 0), c->db, &c->keys[0], &hll);
    if (status == STATUS_NOT_FOUND)
        reply_error(c->reply, "ERR The specified key does not exist");
    else if (status)
        error_reply(c->reply, status);
    else if (slice_is(c->argv[1], "getreg"))
        debug_getreg(c);
    else if (slice_is(c->argv[1], "decode"))
        debug_decode(c, hll);
    else if (slice_is(c->argv[1], "encoding"))
        reply_status(c->reply, hll_encoding(hll.ptr) == HLL_SPARSE ? "sparse" : "dense");
    else if (slice_is(c->argv[1], "todense"))
        debug_todense(c);
    else
        reply_unknown_debug(c, c->argv[1]);
}

/* clang-format off */
struct command hyperloglog_commands[] = {
    {ROW("pfadd", hyperloglog_pfadd, -2, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HYPERLOGLOG),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("2.8.9", "hyperloglog", "O(1) to add every element.", "Adds elements to a HyperLogLog.")},
    {ROW("pfcount", hyperloglog_pfcount, -2, CMD_READONLY | CMD_MAY_REPLICATE, ACL_HYPERLOGLOG),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RW | KEY_ACCESS,
               .notes = "RW because it may change the internal representation of the key, and propagate to replicas")},
     DOC("2.8.9", "hyperloglog",
         "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of"
         " keys, and much bigger constant times, when called with multiple keys.",
         "Estimates how many elements HyperLogLogs have seen.")},
    {ROW("pfdebug", hyperloglog_pfdebug, 3, CMD_WRITE | CMD_DENYOOM | CMD_ADMIN, ACL_HYPERLOGLOG),
     .keys = {KEY_AT(2, KEY_RW | KEY_ACCESS)},
     DOC("2.8.9", "hyperloglog", "N/A", "Helps those who test HyperLogLog."),
     .system = true},
    {ROW("pfmerge", hyperloglog_pfmerge, -2, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_HYPERLOGLOG),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_INSERT), KEY_RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.9", "hyperloglog", "O(N) to merge N HyperLogLogs, but with high constant times.",
         "Merges HyperLogLogs into one.")},
    {ROW("pfselftest", NULL, 1, CMD_ADMIN | CMD_HOME | CMD_BARRIER, ACL_HYPERLOGLOG),
     DOC("2.8.9", "hyperloglog", "N/A", "Tests the HyperLogLog implementation."),
     .system = true},
    {.name = NULL},
};
/* clang-format on */
