#include "src/cmd/table.h"

#include <ctype.h>
#include <stdio.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/cmd/families.h"
#include "src/cmd/keys.h"

const struct bit_name acl_category_names[] = {
    {ACL_KEYSPACE, "keyspace"},
    {ACL_READ, "read"},
    {ACL_WRITE, "write"},
    {ACL_SET, "set"},
    {ACL_SORTED_SET, "sortedset"},
    {ACL_LIST, "list"},
    {ACL_HASH, "hash"},
    {ACL_STRING, "string"},
    {ACL_BITMAP, "bitmap"},
    {ACL_HYPERLOGLOG, "hyperloglog"},
    {ACL_GEO, "geo"},
    {ACL_STREAM, "stream"},
    {ACL_PUBSUB, "pubsub"},
    {ACL_ADMIN, "admin"},
    {ACL_FAST, "fast"},
    {ACL_SLOW, "slow"},
    {ACL_BLOCKING, "blocking"},
    {ACL_DANGEROUS, "dangerous"},
    {ACL_CONNECTION, "connection"},
    {ACL_TRANSACTION, "transaction"},
    {ACL_SCRIPTING, "scripting"},
    {0, NULL},
};

/* may_replicate, sentinel, only_sentinel, protected and touches_arbitrary_keys are not shown. */
const struct bit_name command_flag_names[] = {
    {CMD_WRITE, "write"},
    {CMD_READONLY, "readonly"},
    {CMD_DENYOOM, "denyoom"},
    {CMD_ADMIN, "admin"},
    {CMD_PUBSUB, "pubsub"},
    {CMD_NOSCRIPT, "noscript"},
    {CMD_BLOCKING, "blocking"},
    {CMD_LOADING, "loading"},
    {CMD_STALE, "stale"},
    {CMD_SKIP_MONITOR, "skip_monitor"},
    {CMD_SKIP_SLOWLOG, "skip_slowlog"},
    {CMD_ASKING, "asking"},
    {CMD_FAST, "fast"},
    {CMD_NO_AUTH, "no_auth"},
    {CMD_NO_MANDATORY_KEYS, "no_mandatory_keys"},
    {CMD_NO_ASYNC_LOADING, "no_async_loading"},
    {CMD_NO_MULTI, "no_multi"},
    {CMD_MOVABLE_KEYS, "movablekeys"},
    {CMD_ALLOW_BUSY, "allow_busy"},
    {0, NULL},
};

static struct command *const families[] = {
    acl_commands,        bitmap_commands,      cluster_commands, command_commands,      connection_commands,
    database_commands,   dump_commands,        expire_commands,  scan_commands,         generic_commands,
    geo_commands,        geo_search_commands,  hash_commands,    hyperloglog_commands,  list_commands,
    observe_commands,    persistence_commands, pubsub_commands,  replication_commands,  script_commands,
    sentinel_commands,   server_commands,      set_commands,     sort_commands,         stream_commands,
    string_commands,     transaction_commands, zset_commands,    zset_combine_commands, zset_pop_commands,
    zset_range_commands,
};

/* A name as the lookup compares it: its first and its last eight bytes (they overlap below sixteen; names under eight
 * bytes lie in first alone), its length, and the container's id + 1 if it is a subcommand. Names over sixteen bytes
 * have a middle besides. */
struct name_key {
    uint64_t first, last;
    uint32_t len, container;
};

/* Where a stored byte is a letter the fold masks have CASE_BIT: there alone a name may differ in it. */
struct slot {
    struct name_key key;
    uint64_t first_fold, last_fold;
    struct command *row; /* NULL: free */
} __attribute__((aligned(64)));

enum { SLOT_BITS = 10, SLOTS = 1 << SLOT_BITS, ROWS_MAX = SLOTS / 2, CASE_BIT = 0x20, NAME_BYTES_MAX = 32 };

#define CASE_BITS UINT64_C(0x2020202020202020)

/* Frozen once the table is made. */
static struct slot slots[SLOTS];
static struct command *rows[ROWS_MAX];
static uint32_t row_count, top_count;

static inline uint64_t load64(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    return w;
}

static inline uint32_t load32(const char *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof(w));
    return w;
}

/* name.len > 0. Short names are read in overlapping pieces, which together with the length is unambiguous. */
static inline struct name_key name_key_make(struct slice name, uint32_t container)
{
    struct name_key k = {.len = (uint32_t)name.len, .container = container};
    if (name.len >= 8) {
        k.first = load64(name.ptr);
        k.last = load64(name.ptr + name.len - 8);
    } else if (name.len >= 4) {
        k.first = load32(name.ptr) | (uint64_t)load32(name.ptr + name.len - 4) << 32;
    } else {
        k.first = (uint64_t)(uint8_t)name.ptr[0] | (uint64_t)(uint8_t)name.ptr[name.len / 2] << 8 |
                  (uint64_t)(uint8_t)name.ptr[name.len - 1] << 16;
    }
    return k;
}

/* Equal for names that differ in case (and for some others, which are told apart by same_ends). */
static inline uint32_t slot_of(const struct name_key *k)
{
    uint64_t words = (k->first | CASE_BITS) ^ ((k->last | CASE_BITS) << 1);
    uint64_t h = (words ^ (uint64_t)k->container << 32 ^ k->len) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(h >> (64 - SLOT_BITS));
}

/* But for the middle of a name over sixteen bytes. */
static inline bool same_ends(const struct slot *s, const struct name_key *k)
{
    uint64_t first = (s->key.first ^ k->first) & ~s->first_fold, last = (s->key.last ^ k->last) & ~s->last_fold;
    return (first | last | (s->key.len ^ k->len) | (s->key.container ^ k->container)) == 0;
}

static __attribute__((noinline)) struct slot *find_slot_from(uint32_t i, const struct name_key *k, struct slice name)
{
    while (slots[i].row && !(same_ends(&slots[i], k) && slice_is(name, slots[i].row->name)))
        i = (i + 1) & (SLOTS - 1);
    return &slots[i];
}

/* Mostly the first slot is right, and then one comparison is all. */
static inline struct command *find_row(struct slice name, uint32_t container)
{
    if (name.len - 1 >= NAME_BYTES_MAX)
        return NULL;
    struct name_key k = name_key_make(name, container);
    uint32_t i = slot_of(&k);
    if (__builtin_expect(same_ends(&slots[i], &k) && name.len <= 16, 1))
        return slots[i].row;
    return find_slot_from(i, &k, name)->row;
}

const struct command *command_lookup(struct slice name) { return find_row(name, 0); }

const struct command *command_subcommand(const struct command *container, struct slice name)
{
    return find_row(name, container->id + 1);
}

const struct command *command_by_full_name(struct slice name)
{
    const char *bar = memchr(name.ptr, '|', name.len);
    if (!bar)
        return command_lookup(name);
    const struct command *container = command_lookup(slice_of(name.ptr, (size_t)(bar - name.ptr)));
    if (!container || !container->subcommands)
        return NULL;
    return command_subcommand(container, slice_of(bar + 1, (size_t)(name.ptr + name.len - bar - 1)));
}

uint32_t command_count(void) { return row_count; }
uint32_t command_top_count(void) { return top_count; }

const struct command *command_by_id(uint32_t id)
{
    ASSERT(id < row_count);
    return rows[id];
}

/* The categories that follow from flags, as Redis's setImplicitACLCategories. */
static uint64_t implied_categories(const struct command *row)
{
    uint64_t c = 0;
    if (row->flags & CMD_WRITE)
        c |= ACL_WRITE;
    if (row->flags & CMD_READONLY && !(row->acl & ACL_SCRIPTING))
        c |= ACL_READ;
    if (row->flags & CMD_ADMIN)
        c |= ACL_ADMIN | ACL_DANGEROUS;
    if (row->flags & CMD_PUBSUB)
        c |= ACL_PUBSUB;
    if (row->flags & CMD_BLOCKING)
        c |= ACL_BLOCKING;
    return c | (row->flags & CMD_FAST ? ACL_FAST : ACL_SLOW);
}

/* "config|get"; lives as long as the process. */
static const char *make_full_name(const struct command *row)
{
    if (!row->parent)
        return row->name;
    size_t size = strlen(row->parent->name) + 1 + strlen(row->name) + 1;
    char *name = mem_alloc(NULL, size);
    snprintf(name, size, "%s|%s", row->parent->name, row->name);
    return name;
}

/* CASE_BIT of each byte that is a lower-case letter. */
static uint64_t letters(uint64_t word)
{
    uint64_t mask = 0;
    for (int shift = 0; shift < 64; shift += 8) {
        uint8_t byte = (uint8_t)(word >> shift);
        if (byte >= 'a' && byte <= 'z')
            mask |= (uint64_t)CASE_BIT << shift;
    }
    return mask;
}

static void add_row(struct command *row, struct command *parent)
{
    ASSERT(row_count < ROWS_MAX);
    struct slice name = slice_str(row->name);
    ASSERT(name.len <= NAME_BYTES_MAX);
    struct name_key key = name_key_make(name, parent ? parent->id + 1 : 0);
    struct slot *slot = find_slot_from(slot_of(&key), &key, name);
    ASSERT(!slot->row && "two rows of one name");
    row->parent = parent;
    row->id = row_count;
    row->full_name = make_full_name(row);
    row->acl_categories = row->acl | implied_categories(row);
    command_keys_prepare(row);
    /* What only a Sentinel has is an unknown command here, as in redis-server. */
    if (!(row->flags & CMD_ONLY_SENTINEL))
        *slot = (struct slot){key, letters(key.first), letters(key.last), row};
    rows[row_count++] = row;
}

void command_table_init(void)
{
    if (row_count > 0)
        return;
    for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
        for (struct command *row = families[f]; row->name; row++)
            add_row(row, NULL);
    }
    top_count = row_count;
    for (uint32_t i = 0; i < top_count; i++) {
        for (struct command *sub = rows[i]->subcommands; sub && sub->name; sub++)
            add_row(sub, rows[i]);
    }
}

void command_bind(const struct command_binding *bindings)
{
    for (const struct command_binding *b = bindings; b->full_name; b++) {
        const struct command *row = command_by_full_name(slice_str(b->full_name));
        ASSERT(row && !row->run);
        rows[row->id]->run = b->run;
    }
}

/* Length of s as Redis prints it with %.128s: up to a zero byte or 128. */
static int printed_len(struct slice s, size_t max) { return (int)strnlen(s.ptr, s.len < max ? s.len : max); }

enum { SHOWN_BYTES_MAX = 128 };

static void reply_unknown_subcommand(struct reply *r, struct slice container, struct slice name)
{
    char text[3 * SHOWN_BYTES_MAX], upper[SHOWN_BYTES_MAX];
    size_t n = 0;
    for (; n < container.len && n + 1 < sizeof(upper); n++)
        upper[n] = (char)toupper((unsigned char)container.ptr[n]);
    upper[n] = '\0';
    int len = snprintf(text, sizeof(text), "ERR unknown subcommand '%.*s'. Try %s HELP.",
                       printed_len(name, SHOWN_BYTES_MAX), name.ptr, upper);
    reply_error_slice(r, slice_of(text, (size_t)len));
}

void command_reply_unknown(struct reply *r, uint32_t argc, const struct slice *argv)
{
    const struct command *row = command_lookup(argv[0]);
    if (row && row->subcommands && argc > 1) {
        reply_unknown_subcommand(r, argv[0], argv[1]);
        return;
    }
    /* Arguments are shown while fewer than 128 bytes of them are; the last one is cut to what is left of those. */
    char args[2 * SHOWN_BYTES_MAX] = "", text[4 * SHOWN_BYTES_MAX];
    int shown = 0;
    for (uint32_t i = 1; i < argc && shown < SHOWN_BYTES_MAX; i++) {
        shown += snprintf(args + shown, sizeof(args) - (size_t)shown, "'%.*s' ",
                          printed_len(argv[i], (size_t)(SHOWN_BYTES_MAX - shown)), argv[i].ptr);
    }
    int len = snprintf(text, sizeof(text), "ERR unknown command '%.*s', with args beginning with: %s",
                       printed_len(argv[0], SHOWN_BYTES_MAX), argv[0].ptr, args);
    reply_error_slice(r, slice_of(text, (size_t)len));
}

void command_reply_arity(struct reply *r, const struct command *row)
{
    reply_errorf(r, "ERR wrong number of arguments for '%s' command", row->full_name);
}

void command_reply_not_built(struct reply *r, const struct command *row)
{
    reply_errorf(r, "ERR command '%s' is not built yet", row->full_name);
}
