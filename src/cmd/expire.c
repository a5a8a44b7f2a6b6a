/* Commands that set, show and remove the time at which a key expires. An entry keeps it as wall-clock milliseconds, and
 * so does the journal: every form becomes PEXPIREAT there. */
#include "shard/entry.h"
#include "src/base/num.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"

enum expire_condition { IF_NONE = 1 << 0 /* NX */, IF_SOME = 1 << 1 /* XX */, IF_LATER = 1 << 2, IF_EARLIER = 1 << 3 };

/* [NX|XX|GT|LT] */
static bool parse_conditions(struct cmd *c, uint32_t *conditions)
{
    *conditions = 0;
    for (uint32_t i = 3; i < c->argc; i++) {
        struct slice word = c->argv[i];
        if (slice_is(word, "nx")) {
            *conditions |= IF_NONE;
        } else if (slice_is(word, "xx")) {
            *conditions |= IF_SOME;
        } else if (slice_is(word, "gt")) {
            *conditions |= IF_LATER;
        } else if (slice_is(word, "lt")) {
            *conditions |= IF_EARLIER;
        } else {
            enum { SHOWN_BYTES_MAX = 256 };
            size_t shown = strnlen(word.ptr, word.len < SHOWN_BYTES_MAX ? word.len : SHOWN_BYTES_MAX);
            reply_errorf(c->reply, "ERR Unsupported option %.*s", (int)shown, word.ptr);
            return false;
        }
    }
    if (*conditions & IF_NONE && *conditions != IF_NONE) {
        reply_error(c->reply, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (*conditions & IF_LATER && *conditions & IF_EARLIER) {
        reply_error(c->reply, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

/* The time in argv[2] as wall-clock ms; relative ones count from base_ms. */
static bool parse_time(struct cmd *c, int64_t base_ms, int64_t unit_ms, int64_t *out)
{
    int64_t when;
    if (!arg_i64(c, 2, &when))
        return false;
    if (__builtin_mul_overflow(when, unit_ms, &when) || when > INT64_MAX - base_ms) {
        reply_errorf(c->reply, "ERR invalid expire time in '%s' command", c->row->full_name);
        return false;
    }
    *out = when + base_ms;
    return true;
}

/* No expiry counts as one at the end of time. */
static bool conditions_hold(uint32_t conditions, int64_t now_expires_ms, int64_t when_ms)
{
    bool some = now_expires_ms != EXPIRY_NONE;
    if (conditions & IF_NONE && some)
        return false;
    if (conditions & IF_SOME && !some)
        return false;
    if (conditions & IF_LATER && (!some || when_ms <= now_expires_ms))
        return false;
    return !(conditions & IF_EARLIER && some && when_ms >= now_expires_ms);
}

static void journal_expiry(struct cmd *c, int64_t when_ms)
{
    char text[NUM_INT_CHARS];
    struct slice effect[] = {slice_str("PEXPIREAT"), c->argv[1], slice_of(text, num_i64(text, when_ms))};
    cmd_effect(c, 3, effect);
}

static void journal_deletion(struct cmd *c)
{
    struct slice effect[] = {slice_str("DEL"), c->argv[1]};
    cmd_effect(c, 2, effect);
}

/* A time that has passed deletes the key at once. */
static void set_expiry(struct cmd *c, int64_t base_ms, int64_t unit_ms)
{
    uint32_t conditions;
    int64_t when_ms;
    if (!parse_conditions(c, &conditions) || !parse_time(c, base_ms, unit_ms, &when_ms))
        return;
    struct keyspace *ks = cmd_keyspace(c, 0);
    struct place place = keyspace_write(ks, c->db, &c->keys[0]);
    if (!place.entry || !conditions_hold(conditions, entry_expiry_ms(place.entry), when_ms)) {
        reply_int(c->reply, 0);
        return;
    }
    if (keyspace_is_past(ks, when_ms)) {
        keyspace_remove(ks, place, &c->keys[0]);
        journal_deletion(c);
    } else {
        /* Only while data is loaded can it be before 1970, and there EXPIRY_NONE is. */
        keyspace_set_expiry(ks, &place, &c->keys[0], when_ms < 0 ? 0 : when_ms);
        journal_expiry(c, when_ms);
    }
    cmd_changed(c);
    reply_int(c->reply, 1);
}

/* EXPIRE key seconds [NX|XX|GT|LT] */
static void expire_expire(struct cmd *c) { set_expiry(c, c->now_ms, 1000); }
/* PEXPIRE key milliseconds [NX|XX|GT|LT] */
static void expire_pexpire(struct cmd *c) { set_expiry(c, c->now_ms, 1); }
/* EXPIREAT key unix-time-seconds [NX|XX|GT|LT] */
static void expire_expireat(struct cmd *c) { set_expiry(c, 0, 1000); }
/* PEXPIREAT key unix-time-milliseconds [NX|XX|GT|LT] */
static void expire_pexpireat(struct cmd *c) { set_expiry(c, 0, 1); }

/* -2: no such key, -1: does not expire; else the time that is left from since_ms on, rounded to the unit. */
static void reply_expiry(struct cmd *c, int64_t since_ms, int64_t unit_ms)
{
    const struct entry *e = keyspace_look(cmd_keyspace(c, 0), c->db, &c->keys[0]).entry;
    if (!e) {
        reply_int(c->reply, -2);
        return;
    }
    int64_t expires_ms = entry_expiry_ms(e);
    if (expires_ms == EXPIRY_NONE) {
        reply_int(c->reply, -1);
        return;
    }
    int64_t ms = expires_ms > since_ms ? expires_ms - since_ms : 0;
    reply_int(c->reply, ms / unit_ms + (ms % unit_ms * 2 >= unit_ms && unit_ms > 1));
}

/* TTL key */
static void expire_ttl(struct cmd *c) { reply_expiry(c, c->now_ms, 1000); }
/* PTTL key */
static void expire_pttl(struct cmd *c) { reply_expiry(c, c->now_ms, 1); }
/* EXPIRETIME key */
static void expire_expiretime(struct cmd *c) { reply_expiry(c, 0, 1000); }
/* PEXPIRETIME key */
static void expire_pexpiretime(struct cmd *c) { reply_expiry(c, 0, 1); }

/* PERSIST key */
static void expire_persist(struct cmd *c)
{
    struct keyspace *ks = cmd_keyspace(c, 0);
    struct place place = keyspace_write(ks, c->db, &c->keys[0]);
    bool expires = place.entry && entry_expiry_ms(place.entry) != EXPIRY_NONE;
    if (expires) {
        keyspace_set_expiry(ks, &place, &c->keys[0], EXPIRY_NONE);
        cmd_changed(c);
    }
    reply_int(c->reply, expires);
}

/* clang-format off */
struct command expire_commands[] = {
    {ROW("expire", expire_expire, -3, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("1.0.0", "generic", "O(1)", "Lets a key expire after some seconds."),
     HISTORY({"7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."})},
    {ROW("expireat", expire_expireat, -3, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("1.2.0", "generic", "O(1)", "Lets a key expire at a Unix time."),
     HISTORY({"7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."})},
    {ROW("expiretime", expire_expiretime, 2, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("7.0.0", "generic", "O(1)", "Returns the Unix time in seconds at which a key expires.")},
    {ROW("persist", expire_persist, 2, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("2.2.0", "generic", "O(1)", "Takes the expiry away from a key.")},
    {ROW("pexpire", expire_pexpire, -3, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("2.6.0", "generic", "O(1)", "Lets a key expire after some milliseconds."),
     HISTORY({"7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."})},
    {ROW("pexpireat", expire_pexpireat, -3, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("2.6.0", "generic", "O(1)", "Lets a key expire at a Unix time in milliseconds."),
     HISTORY({"7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."})},
    {ROW("pexpiretime", expire_pexpiretime, 2, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("7.0.0", "generic", "O(1)", "Returns the Unix time in milliseconds at which a key expires.")},
    {ROW("pttl", expire_pttl, 2, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.6.0", "generic", "O(1)", "Returns how many milliseconds a key has left."),
     .tips = "nondeterministic_output",
     HISTORY({"2.8.0", "Added the -2 reply."})},
    {ROW("ttl", expire_ttl, 2, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "generic", "O(1)", "Returns how many seconds a key has left."),
     .tips = "nondeterministic_output",
     HISTORY({"2.8.0", "Added the -2 reply."})},
    {.name = NULL},
};
/* clang-format on */
