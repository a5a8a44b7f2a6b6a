/* String commands. Semantics, order of checks and error texts: Redis 7.4 t_string.c. */
#include "shard/type/string.h"
#include "shard/entry.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/keys.h"
#include "src/cmd/lcs.h"
#include "src/cmd/row.h"
#include "src/cmd/set_option.h"

/* ---- What many handlers do ---- */

static bool is_string(const struct entry *e) { return e->type == TYPE_STRING; }

static void reply_value(struct cmd *c, const struct entry *e)
{
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice value = entry_string(e, buf, &blob);
    if (blob)
        reply_bulk_blob(c->reply, blob, 0, value.len);
    else
        reply_bulk_slice(c->reply, value);
}

/* GET: the value of key 0, or null. False: it answered an error. */
static bool reply_old(struct cmd *c, struct place *place)
{
    *place = keyspace_read(cmd_keyspace(c, 0), c->db, &c->keys[0]);
    if (!place->entry) {
        reply_null(c->reply);
    } else if (!is_string(place->entry)) {
        error_reply(c->reply, STATUS_WRONG_TYPE);
        return false;
    } else {
        reply_value(c, place->entry);
    }
    return true;
}

/* Sets key k to argument i, without a copy if the argument was received into a blob. */
static void set_value(struct cmd *c, struct place place, uint32_t k, uint32_t i, int64_t expiry_ms)
{
    struct keyspace *ks = cmd_keyspace(c, k);
    struct blob *blob = cmd_take_blob(c, i);
    if (blob)
        keyspace_set_blob(ks, place, &c->keys[k], blob, expiry_ms);
    else
        keyspace_set_string(ks, place, &c->keys[k], c->argv[i], expiry_ms, STRING_ENCODED);
}

static struct slice number(char *buf, int64_t v) { return slice_of(buf, num_i64(buf, v)); }

/* Into the journal: SET key value [PXAT deadline | KEEPTTL]. */
static void effect_set(struct cmd *c, struct slice value, int64_t deadline_ms, bool keepttl)
{
    char buf[NUM_INT_CHARS];
    struct slice argv[5] = {slice_str("SET"), c->argv[1], value};
    uint32_t argc = 3;
    if (deadline_ms != EXPIRY_NONE) {
        argv[argc++] = slice_str("PXAT");
        argv[argc++] = number(buf, deadline_ms);
    } else if (keepttl) {
        argv[argc++] = slice_str("KEEPTTL");
    }
    cmd_changed(c);
    cmd_effect(c, argc, argv);
}

/* Sets key 0 to argument i until deadline. The effect goes first: the argument is gone once it is a value. */
static void set_until(struct cmd *c, struct place place, uint32_t i, int64_t deadline_ms)
{
    effect_set(c, c->argv[i], deadline_ms, false);
    set_value(c, place, 0, i, deadline_ms);
}

static void delete_key(struct cmd *c, struct place place)
{
    cmd_changed(c);
    cmd_effect(c, 2, (struct slice[]){slice_str("DEL"), c->argv[1]});
    keyspace_remove(cmd_keyspace(c, 0), place, &c->keys[0]);
}

/* ---- Reading ---- */

/* GET key */
static void string_get(struct cmd *c)
{
    struct place place;
    reply_old(c, &place);
}

/* MGET key [key ...] */
static void string_mget(struct cmd *c)
{
    reply_array(c->reply, c->nkeys);
    for (uint32_t i = 0; i < c->nkeys; i++) {
        struct place place = keyspace_read(cmd_keyspace(c, i), c->db, &c->keys[i]);
        if (place.entry && is_string(place.entry))
            reply_value(c, place.entry);
        else
            reply_null(c->reply);
    }
}

/* STRLEN key */
static void string_strlen(struct cmd *c)
{
    struct place place = keyspace_read(cmd_keyspace(c, 0), c->db, &c->keys[0]);
    if (!place.entry)
        reply_int(c->reply, 0);
    else if (!is_string(place.entry))
        error_reply(c->reply, STATUS_WRONG_TYPE);
    else
        reply_int(c->reply, (int64_t)entry_string_len(place.entry));
}

/* GETRANGE key first last | SUBSTR key first last */
static void string_getrange(struct cmd *c)
{
    int64_t first, last;
    if (!arg_i64(c, 2, &first) || !arg_i64(c, 3, &last))
        return;
    struct place place = keyspace_read(cmd_keyspace(c, 0), c->db, &c->keys[0]);
    if (!place.entry) {
        reply_bulk(c->reply, "", 0);
        return;
    }
    if (!is_string(place.entry)) {
        error_reply(c->reply, STATUS_WRONG_TYPE);
        return;
    }
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice value = entry_string(place.entry, buf, &blob);
    size_t start, len;
    string_range(first, last, value.len, &start, &len);
    if (blob)
        reply_bulk_blob(c->reply, blob, start, len);
    else
        reply_bulk(c->reply, value.ptr + start, len);
}

/* LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN] */
static void string_lcs(struct cmd *c)
{
    struct slice text[2];
    char buf[2][ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct place place[2];
    for (int i = 0; i < 2; i++)
        keyspace_read(cmd_keyspace(c, i), c->db, &c->keys[i]);
    for (int i = 0; i < 2; i++) { /* again: what expired with the second key may have moved the first */
        place[i] = keyspace_peek(cmd_keyspace(c, i), c->db, &c->keys[i]);
        if (place[i].entry && !is_string(place[i].entry)) {
            reply_error(c->reply, "ERR The specified keys must contain string values");
            return;
        }
        text[i] = place[i].entry ? entry_string(place[i].entry, buf[i], &blob) : slice_of("", 0);
    }
    struct lcs_options options = {0};
    for (uint32_t i = 3; i < c->argc; i++) {
        if (slice_is(c->argv[i], "idx")) {
            options.matches = true;
        } else if (slice_is(c->argv[i], "len")) {
            options.length = true;
        } else if (slice_is(c->argv[i], "withmatchlen")) {
            options.match_lengths = true;
        } else if (slice_is(c->argv[i], "minmatchlen") && i + 1 < c->argc) {
            if (!arg_i64(c, ++i, &options.match_length_min))
                return;
        } else {
            reply_syntax_error(c);
            return;
        }
    }
    lcs_reply(c->reply, text[0], text[1], &options, (uint64_t)c->limits->proto_max_bulk_len);
}

/* ---- Setting ---- */

/* SET key value [NX|XX] [GET] [EX s|PX ms|EXAT t|PXAT t|KEEPTTL] */
static void string_set(struct cmd *c)
{
    struct keyspace *ks = cmd_keyspace(c, 0);
    if (c->argc == 3) {
        struct place place = keyspace_write(ks, c->db, &c->keys[0]);
        if (c->effects)
            effect_set(c, c->argv[2], EXPIRY_NONE, false);
        set_value(c, place, 0, 2, EXPIRY_NONE);
        cmd_changed(c);
        reply_ok(c->reply);
        return;
    }
    struct set_options o;
    struct place place;
    int64_t deadline_ms = EXPIRY_NONE;
    if (!set_options_parse(c, 3, SET_NX | SET_XX | SET_GET | SET_KEEPTTL | SET_EXPIRES, &o))
        return;
    if (o.flags & SET_EXPIRES && !set_option_deadline(c, o.time, o.flags, &deadline_ms))
        return;
    if (o.flags & SET_GET && !reply_old(c, &place))
        return;
    place = keyspace_write(ks, c->db, &c->keys[0]);
    if ((o.flags & SET_NX && place.entry) || (o.flags & SET_XX && !place.entry)) {
        if (!(o.flags & SET_GET))
            reply_null(c->reply);
        return;
    }
    int64_t expiry_ms = o.flags & SET_KEEPTTL && place.entry ? entry_expiry_ms(place.entry) : deadline_ms;
    effect_set(c, c->argv[2], deadline_ms, o.flags & SET_KEEPTTL);
    set_value(c, place, 0, 2, expiry_ms);
    if (!(o.flags & SET_GET))
        reply_ok(c->reply);
}

/* SETNX key value */
static void string_setnx(struct cmd *c)
{
    struct place place = keyspace_write(cmd_keyspace(c, 0), c->db, &c->keys[0]);
    if (!place.entry)
        set_until(c, place, 2, EXPIRY_NONE);
    reply_int(c->reply, !place.entry);
}

static void set_for(struct cmd *c, uint32_t unit)
{
    int64_t deadline_ms;
    if (!set_option_deadline(c, 2, unit, &deadline_ms))
        return;
    set_until(c, keyspace_write(cmd_keyspace(c, 0), c->db, &c->keys[0]), 3, deadline_ms);
    reply_ok(c->reply);
}

/* SETEX key seconds value */
static void string_setex(struct cmd *c) { set_for(c, SET_EX); }

/* PSETEX key milliseconds value */
static void string_psetex(struct cmd *c) { set_for(c, SET_PX); }

static void set_all(struct cmd *c)
{
    cmd_changed(c);
    /* What has expired goes before: its DEL must not follow the effect. */
    for (uint32_t i = 0; c->effects && i < c->nkeys && !PLANTED(PLANTED_EXPIRY_BEHIND); i++)
        keyspace_write(cmd_keyspace(c, i), c->db, &c->keys[i]);
    /* First: the same key may come twice, and then the value of the first is gone afterwards. */
    cmd_effect(c, c->argc, c->argv);
    for (uint32_t i = 0; i < c->nkeys; i++)
        set_value(c, keyspace_write(cmd_keyspace(c, i), c->db, &c->keys[i]), i, 2 * i + 2, EXPIRY_NONE);
}

static bool has_pairs(struct cmd *c)
{
    if (c->argc % 2 == 0)
        command_reply_arity(c->reply, c->row);
    return c->argc % 2 == 1;
}

/* MSET key value [key value ...] */
static void string_mset(struct cmd *c)
{
    if (!has_pairs(c))
        return;
    set_all(c);
    reply_ok(c->reply);
}

/* MSETNX key value [key value ...] */
static void string_msetnx(struct cmd *c)
{
    if (!has_pairs(c))
        return;
    for (uint32_t i = 0; i < c->nkeys; i++)
        if (keyspace_write(cmd_keyspace(c, i), c->db, &c->keys[i]).entry) {
            reply_int(c->reply, 0);
            return;
        }
    set_all(c);
    reply_int(c->reply, 1);
}

/* GETSET key value */
static void string_getset(struct cmd *c)
{
    struct place place;
    if (!reply_old(c, &place))
        return;
    set_until(c, place, 2, EXPIRY_NONE);
}

/* GETDEL key */
static void string_getdel(struct cmd *c)
{
    struct place place;
    if (reply_old(c, &place) && place.entry)
        delete_key(c, place);
}

/* GETEX key [EX s|PX ms|EXAT t|PXAT t|PERSIST] */
static void string_getex(struct cmd *c)
{
    struct keyspace *ks = cmd_keyspace(c, 0);
    struct set_options o;
    if (!set_options_parse(c, 2, SET_PERSIST | SET_EXPIRES, &o))
        return;
    struct place place = keyspace_read(ks, c->db, &c->keys[0]);
    if (!place.entry) {
        reply_null(c->reply);
        return;
    }
    if (!is_string(place.entry)) {
        error_reply(c->reply, STATUS_WRONG_TYPE);
        return;
    }
    int64_t deadline_ms = EXPIRY_NONE;
    if (o.flags & SET_EXPIRES && !set_option_deadline(c, o.time, o.flags, &deadline_ms))
        return;
    reply_value(c, place.entry);
    char buf[NUM_INT_CHARS];
    if (o.flags & SET_ABSOLUTE && keyspace_is_past(ks, deadline_ms)) {
        delete_key(c, place);
    } else if (o.flags & SET_EXPIRES) {
        cmd_changed(c);
        cmd_effect(c, 3, (struct slice[]){slice_str("PEXPIREAT"), c->argv[1], number(buf, deadline_ms)});
        keyspace_set_expiry(ks, &place, &c->keys[0], deadline_ms);
    } else if (o.flags & SET_PERSIST && entry_has_expiry(place.entry)) {
        cmd_changed(c);
        cmd_effect(c, 2, (struct slice[]){slice_str("PERSIST"), c->argv[1]});
        keyspace_set_expiry(ks, &place, &c->keys[0], EXPIRY_NONE);
    }
}

/* ---- Changing ---- */

/* The status as an error, or n after a change. */
static void reply_changed(struct cmd *c, enum status status, int64_t n)
{
    if (status) {
        error_reply(c->reply, status);
        return;
    }
    cmd_changed(c);
    reply_int(c->reply, n);
}

static void increment(struct cmd *c, int64_t by)
{
    int64_t result = 0;
    enum status status = string_increment(cmd_keyspace(c, 0), c->db, &c->keys[0], by, &result);
    reply_changed(c, status, result);
}

/* INCR key */
static void string_incr(struct cmd *c) { increment(c, 1); }

/* DECR key */
static void string_decr(struct cmd *c) { increment(c, -1); }

/* INCRBY key increment */
static void string_incrby(struct cmd *c)
{
    int64_t by;
    if (arg_i64(c, 2, &by))
        increment(c, by);
}

/* DECRBY key decrement */
static void string_decrby(struct cmd *c)
{
    int64_t by;
    if (!arg_i64(c, 2, &by))
        return;
    if (by == INT64_MIN)
        reply_error(c->reply, "ERR decrement would overflow");
    else
        increment(c, -by);
}

/* INCRBYFLOAT key increment */
static void string_incrbyfloat(struct cmd *c)
{
    char text[DTOA_HUMAN_CHARS];
    size_t len;
    enum status status = string_increment_float(cmd_keyspace(c, 0), c->db, &c->keys[0], c->argv[2], text, &len);
    if (status) {
        error_reply(c->reply, status);
        return;
    }
    /* Not as it came: another machine may round in another way. */
    effect_set(c, slice_of(text, len), EXPIRY_NONE, true);
    reply_bulk(c->reply, text, len);
}

/* APPEND key value */
static void string_append_value(struct cmd *c)
{
    size_t len = 0;
    enum status status =
        string_append(cmd_keyspace(c, 0), c->db, &c->keys[0], c->argv[2], (size_t)c->limits->proto_max_bulk_len, &len);
    reply_changed(c, status, (int64_t)len);
}

/* SETRANGE key offset value */
static void string_setrange(struct cmd *c)
{
    int64_t offset;
    if (!arg_i64(c, 2, &offset))
        return;
    if (offset < 0) {
        reply_error(c->reply, "ERR offset is out of range");
        return;
    }
    size_t len = 0;
    bool changed = false;
    enum status status = string_set_range(cmd_keyspace(c, 0), c->db, &c->keys[0], (size_t)offset, c->argv[3],
                                          (size_t)c->limits->proto_max_bulk_len, &len, &changed);
    if (!status && !changed)
        reply_int(c->reply, (int64_t)len);
    else
        reply_changed(c, status, (int64_t)len);
}

/* clang-format off */
struct command string_commands[] = {
    {ROW("append", string_append_value, 3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("2.0.0", "string",
         "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present "
         "value is of any size, since the dynamic string library used by Redis will double the free space available "
         "on every reallocation.",
         "Appends to the value of a key; creates the key if it is missing.")},
    {ROW("decr", string_decr, 2, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("1.0.0", "string", "O(1)", "Takes one from an integer; a missing key counts as 0.")},
    {ROW("decrby", string_decrby, 3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("1.0.0", "string", "O(1)", "Takes a number from an integer; a missing key counts as 0.")},
    {ROW("get", string_get, 2, CMD_READONLY | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "string", "O(1)", "Returns the string at a key.")},
    {ROW("getdel", string_getdel, 2, CMD_WRITE | CMD_FAST | CMD_SIGNAL, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("6.2.0", "string", "O(1)", "Returns the string at a key and deletes the key.")},
    {ROW("getex", string_getex, -2, CMD_WRITE | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE,
               .notes = "RW and UPDATE because it changes the TTL")},
     DOC("6.2.0", "string", "O(1)", "Returns the string at a key after setting when it expires.")},
    {ROW("getrange", string_getrange, 4, CMD_READONLY, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.4.0", "string",
         "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned "
         "length, but because creating a substring from an existing string is very cheap, it can be considered O(1) "
         "for small strings.",
         "Returns a part of a string.")},
    {ROW("getset", string_getset, 3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("1.0.0", "string", "O(1)", "Sets the string at a key and returns the old one."),
     DEPRECATED("6.2.0", "`SET` with the `!GET` argument")},
    {ROW("incr", string_incr, 2, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("1.0.0", "string", "O(1)", "Adds one to an integer; a missing key counts as 0.")},
    {ROW("incrby", string_incrby, 3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("1.0.0", "string", "O(1)", "Adds a number to an integer; a missing key counts as 0.")},
    {ROW("incrbyfloat", string_incrbyfloat, 3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("2.6.0", "string", "O(1)", "Adds a floating-point number to a number; a missing key counts as 0.")},
    {ROW("lcs", string_lcs, -3, CMD_READONLY, ACL_STRING),
     .keys = {KEY_RANGE(1, 1, 1, KEY_RO | KEY_ACCESS)},
     DOC("7.0.0", "string", "O(N*M) where N and M are the lengths of s1 and s2, respectively",
         "Finds the longest common subsequence of two strings.")},
    {ROW("mget", string_mget, -2, CMD_READONLY | CMD_FAST, ACL_STRING),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "string", "O(N) where N is the number of keys to retrieve.", "Returns the strings at several keys."),
     .tips = "request_policy:multi_shard"},
    {ROW("mset", string_mset, -3, CMD_WRITE | CMD_DENYOOM | CMD_BY_KEY, ACL_STRING),
     .keys = {KEY_RANGE(1, -1, 2, KEY_OW | KEY_UPDATE)},
     DOC("1.0.1", "string", "O(N) where N is the number of keys to set.", "Sets the strings at several keys."),
     .tips = "request_policy:multi_shard response_policy:all_succeeded"},
    {ROW("msetnx", string_msetnx, -3, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
     .keys = {KEY_RANGE(1, -1, 2, KEY_OW | KEY_INSERT)},
     DOC("1.0.1", "string", "O(N) where N is the number of keys to set.",
         "Sets the strings at several keys if none of them exists."),
     .tips = "request_policy:multi_shard response_policy:agg_min"},
    {ROW("psetex", string_psetex, 4, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE)},
     DOC("2.6.0", "string", "O(1)", "Sets the string at a key and its expiry in milliseconds.")},
    {ROW("set", string_set, -3, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
               .notes = "RW and ACCESS due to the optional `GET` argument")},
     .find_keys = keys_of_set,
     DOC("1.0.0", "string", "O(1)", "Sets the string at a key, whatever was there; creates the key if it is missing."),
     HISTORY({"2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."},
             {"6.0.0", "Added the `KEEPTTL` option."},
             {"6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."},
             {"7.0.0", "Allowed the `NX` and `GET` options to be used together."})},
    {ROW("setex", string_setex, 4, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE)},
     DOC("2.0.0", "string", "O(1)", "Sets the string at a key and its expiry in seconds.")},
    {ROW("setnx", string_setnx, 3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_OW | KEY_INSERT)},
     DOC("1.0.0", "string", "O(1)", "Sets the string at a key if the key is missing.")},
    {ROW("setrange", string_setrange, 4, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("2.2.0", "string",
         "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so "
         "the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value "
         "argument.",
         "Overwrites a part of a string.")},
    {ROW("strlen", string_strlen, 2, CMD_READONLY | CMD_FAST, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("2.2.0", "string", "O(1)", "Returns the length of a string.")},
    {ROW("substr", string_getrange, 4, CMD_READONLY, ACL_STRING),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "string",
         "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned "
         "length, but because creating a substring from an existing string is very cheap, it can be considered O(1) "
         "for small strings.",
         "Returns a part of a string."),
     DEPRECATED("2.0.0", "`GETRANGE`")},
    {.name = NULL},
};
/* clang-format on */
