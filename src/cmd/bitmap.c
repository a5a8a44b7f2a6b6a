/* Commands on strings as arrays of bits. Semantics, order of checks and error texts: Redis 7.4 bitops.c. */
#include "shard/type/bitmap.h"
#include "src/base/mem.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/keys.h"
#include "src/cmd/row.h"

/* ---- Arguments. Each function that returns false has answered an error. ---- */

/* The number of a bit. hash_width: if it is not 0, "#n" means the n-th field of so many bits. */
static bool arg_bit_offset(struct cmd *c, uint32_t i, uint32_t hash_width, uint64_t *at)
{
    struct slice text = c->argv[i];
    bool hash = hash_width > 0 && text.len > 0 && text.ptr[0] == '#';
    int64_t n;
    if (num_parse_i64(slice_of(text.ptr + hash, text.len - hash), &n) &&
        !__builtin_mul_overflow(n, hash ? (int64_t)hash_width : 1, &n) && n >= 0 &&
        n / 8 < c->limits->proto_max_bulk_len) {
        *at = (uint64_t)n;
        return true;
    }
    reply_error(c->reply, "ERR bit offset is not an integer or out of range");
    return false;
}

/* BIT|BYTE */
static bool arg_unit(struct cmd *c, uint32_t i, bool *in_bits)
{
    *in_bits = slice_is(c->argv[i], "bit");
    if (*in_bits || slice_is(c->argv[i], "byte"))
        return true;
    reply_syntax_error(c);
    return false;
}

/* The string at key 0. */
static bool read_key(struct cmd *c, char digits[static ENTRY_INT_BUF_BYTES], struct slice *bytes)
{
    enum status status = bitmap_read(cmd_keyspace(c, 0), c->db, &c->keys[0], digits, bytes);
    if (status)
        error_reply(c->reply, status);
    return !status;
}

/* ---- One bit ---- */

/* SETBIT key offset 0|1 */
static void bitmap_setbit(struct cmd *c)
{
    uint64_t at;
    int64_t bit;
    bool old, changed;
    if (!arg_bit_offset(c, 2, 0, &at))
        return;
    if (!num_parse_i64(c->argv[3], &bit) || (bit != 0 && bit != 1)) {
        reply_error(c->reply, "ERR bit is not an integer or out of range");
        return;
    }
    enum status status = bitmap_set(cmd_keyspace(c, 0), c->db, &c->keys[0], at, bit, &old, &changed);
    if (status) {
        error_reply(c->reply, status);
        return;
    }
    if (changed)
        cmd_changed(c);
    reply_int(c->reply, old);
}

/* GETBIT key offset */
static void bitmap_getbit(struct cmd *c)
{
    char digits[ENTRY_INT_BUF_BYTES];
    struct slice bytes;
    uint64_t at;
    if (arg_bit_offset(c, 2, 0, &at) && read_key(c, digits, &bytes))
        reply_int(c->reply, bits_get(bytes, at));
}

/* ---- Many bits ---- */

/* BITCOUNT key [first last [BIT|BYTE]] */
static void bitmap_bitcount(struct cmd *c)
{
    char digits[ENTRY_INT_BUF_BYTES];
    struct slice bytes;
    int64_t from = 0, to = -1;
    bool in_bits = false;
    uint64_t first, end;
    if (c->argc == 3 || c->argc > 5) {
        reply_syntax_error(c);
        return;
    }
    if (c->argc > 3 && (!arg_i64(c, 2, &from) || !arg_i64(c, 3, &to)))
        return;
    if (c->argc > 4 && !arg_unit(c, 4, &in_bits))
        return;
    if (!read_key(c, digits, &bytes))
        return;
    bitmap_range(from, to, in_bits, bytes.len, &first, &end);
    /* Both before the string's beginning mean its first byte to BITPOS, but nothing here if they are the wrong way
     * round. */
    bool none = from < 0 && to < 0 && from > to;
    reply_int(c->reply, none ? 0 : (int64_t)bits_count(bytes.ptr, first, end));
}

/* BITPOS key 0|1 [first [last [BIT|BYTE]]] */
static void bitmap_bitpos(struct cmd *c)
{
    char digits[ENTRY_INT_BUF_BYTES];
    struct slice bytes;
    int64_t bit, from = 0, to = -1;
    bool in_bits = false;
    uint64_t first, end;
    if (!arg_i64(c, 2, &bit))
        return;
    if (bit != 0 && bit != 1) {
        reply_error(c->reply, "ERR The bit argument must be 1 or 0.");
        return;
    }
    if (c->argc > 6) {
        reply_syntax_error(c);
        return;
    }
    if (c->argc > 3 && !arg_i64(c, 3, &from))
        return;
    if (c->argc > 5 && !arg_unit(c, 5, &in_bits))
        return;
    if (c->argc > 4 && !arg_i64(c, 4, &to))
        return;
    if (!read_key(c, digits, &bytes))
        return;
    if (!bytes.ptr) {
        reply_int(c->reply, bit ? -1 : 0);
        return;
    }
    bitmap_range(from, to, in_bits, bytes.len, &first, &end);
    uint64_t found = bits_find(bytes.ptr, first, end, bit);
    /* Without a last byte the zeros that follow the string count. */
    bool follows = first < end && bit == 0 && c->argc < 5;
    reply_int(c->reply, found < end || follows ? (int64_t)found : -1);
}

static bool arg_bitop(struct cmd *c, enum bits_op *op)
{
    static const char *const names[] = {[BITS_AND] = "and", [BITS_OR] = "or", [BITS_XOR] = "xor", [BITS_NOT] = "not"};
    for (*op = BITS_AND; *op <= BITS_NOT && !slice_is(c->argv[1], names[*op]);)
        (*op)++;
    if (*op > BITS_NOT)
        reply_syntax_error(c);
    else if (*op == BITS_NOT && c->argc != 4)
        reply_error(c->reply, "ERR BITOP NOT must be called with a single source key.");
    else
        return true;
    return false;
}

/* BITOP AND|OR|XOR|NOT destination key [key ...] */
static void bitmap_bitop(struct cmd *c)
{
    enum bits_op op;
    if (!arg_bitop(c, &op))
        return;
    uint32_t n = c->nkeys - 1;
    struct slice *source = mem_alloc(NULL, n * sizeof *source);
    char(*digits)[ENTRY_INT_BUF_BYTES] = mem_alloc(NULL, n * sizeof *digits);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < n && !status; i++)
        status = bitmap_read(cmd_keyspace(c, i + 1), c->db, &c->keys[i + 1], digits[i], &source[i]);
    if (status) {
        error_reply(c->reply, status);
    } else {
        bool changed;
        size_t len = bitmap_combine(op, source, n, cmd_keyspace(c, 0), c->db, &c->keys[0], &changed);
        if (changed)
            cmd_changed(c);
        reply_int(c->reply, (int64_t)len);
    }
    mem_free(NULL, digits);
    mem_free(NULL, source);
}

/* ---- Bit fields ---- */

/* i1 to i64, u1 to u63 */
static bool arg_field_type(struct cmd *c, uint32_t i, struct bitfield_op *op)
{
    struct slice text = c->argv[i];
    int64_t width;
    op->is_signed = text.len > 0 && text.ptr[0] == 'i';
    if ((op->is_signed || (text.len > 0 && text.ptr[0] == 'u')) &&
        num_parse_i64(slice_of(text.ptr + 1, text.len - 1), &width) && width >= 1 && width <= 63 + op->is_signed) {
        op->width = (uint32_t)width;
        return true;
    }
    reply_error(c->reply, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
                          "i64 is.");
    return false;
}

static bool arg_overflow(struct cmd *c, uint32_t i, enum bitfield_overflow *overflow)
{
    if (slice_is(c->argv[i], "wrap"))
        *overflow = BITFIELD_WRAP;
    else if (slice_is(c->argv[i], "sat"))
        *overflow = BITFIELD_SAT;
    else if (slice_is(c->argv[i], "fail"))
        *overflow = BITFIELD_FAIL;
    else {
        reply_error(c->reply, "ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

/* Which operation begins at argument i, with all that it needs behind it. */
static bool arg_field_kind(struct cmd *c, uint32_t i, enum bitfield_kind *kind)
{
    uint32_t left = c->argc - i - 1;
    if (slice_is(c->argv[i], "get") && left >= 2)
        *kind = BITFIELD_GET;
    else if (slice_is(c->argv[i], "set") && left >= 3)
        *kind = BITFIELD_SET;
    else if (slice_is(c->argv[i], "incrby") && left >= 3)
        *kind = BITFIELD_INCRBY;
    else {
        reply_syntax_error(c);
        return false;
    }
    return true;
}

/* Reads the operations into op, which has room for all; *bytes_written: up to where they write. */
static bool arg_field_ops(struct cmd *c, struct bitfield_op *op, uint32_t *n, size_t *bytes_written)
{
    enum bitfield_overflow overflow = BITFIELD_WRAP;
    *n = 0;
    *bytes_written = 0;
    for (uint32_t i = 2; i < c->argc; i++) {
        if (slice_is(c->argv[i], "overflow") && i + 1 < c->argc) {
            if (!arg_overflow(c, ++i, &overflow))
                return false;
            continue;
        }
        op->overflow = overflow;
        if (!arg_field_kind(c, i, &op->kind) || !arg_field_type(c, ++i, op) ||
            !arg_bit_offset(c, ++i, op->width, &op->at))
            return false;
        if (op->kind != BITFIELD_GET) {
            size_t end = (op->at + op->width + 7) / 8;
            *bytes_written = end > *bytes_written ? end : *bytes_written;
            if (!arg_i64(c, ++i, &op->operand))
                return false;
        }
        op++;
        (*n)++;
    }
    return true;
}

static void run_field_ops(struct cmd *c, const struct bitfield_op *op, uint32_t n, size_t bytes_written)
{
    struct bitfield field;
    enum status status = bitfield_open(&field, cmd_keyspace(c, 0), c->db, &c->keys[0], bytes_written);
    if (status) {
        error_reply(c->reply, status);
        return;
    }
    reply_array(c->reply, n);
    for (uint32_t i = 0; i < n; i++) {
        int64_t result;
        if (bitfield_run(&field, &op[i], &result))
            reply_int(c->reply, result);
        else
            reply_null(c->reply);
    }
    if (field.changed)
        cmd_changed(c);
}

static void run_bitfield(struct cmd *c, bool read_only)
{
    struct bitfield_op *op = mem_alloc(NULL, c->argc / 3 * sizeof *op + 1);
    uint32_t n;
    size_t bytes_written;
    if (arg_field_ops(c, op, &n, &bytes_written)) {
        if (read_only && bytes_written > 0)
            reply_error(c->reply, "ERR BITFIELD_RO only supports the GET subcommand");
        else
            run_field_ops(c, op, n, bytes_written);
    }
    mem_free(NULL, op);
}

/* BITFIELD key [GET type offset | OVERFLOW WRAP|SAT|FAIL | SET type offset value | INCRBY type offset increment ...] */
static void bitmap_bitfield(struct cmd *c) { run_bitfield(c, false); }

/* BITFIELD_RO key [GET type offset ...] */
static void bitmap_bitfield_ro(struct cmd *c) { run_bitfield(c, true); }

/* clang-format off */
struct command bitmap_commands[] = {
    {ROW("bitcount", bitmap_bitcount, -2, CMD_READONLY, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.6.0", "bitmap", "O(N)", "Counts the set bits of a string."),
     HISTORY({"7.0.0", "Added the `BYTE|BIT` option."})},
    {ROW("bitfield", bitmap_bitfield, -2, CMD_WRITE | CMD_DENYOOM, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_ACCESS | KEY_VARIABLE_FLAGS,
               .notes = "This command allows both access and modification of the key")},
     .find_keys = keys_of_bitfield,
     DOC("3.2.0", "bitmap", "O(1) for each subcommand specified",
         "Reads and changes integers of any width inside a string.")},
    {ROW("bitfield_ro", bitmap_bitfield_ro, -2, CMD_READONLY | CMD_FAST, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.0.0", "bitmap", "O(1) for each subcommand specified", "Reads integers of any width inside a string.")},
    {ROW("bitop", bitmap_bitop, -4, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_BITMAP),
     .keys = {KEY_AT(2, KEY_OW | KEY_UPDATE), KEY_RANGE(3, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("2.6.0", "bitmap", "O(N)", "Combines strings bit by bit and stores the result.")},
    {ROW("bitpos", bitmap_bitpos, -3, CMD_READONLY, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.7", "bitmap", "O(N)", "Finds the first set or clear bit of a string."),
     HISTORY({"7.0.0", "Added the `BYTE|BIT` option."})},
    {ROW("getbit", bitmap_getbit, 3, CMD_READONLY | CMD_FAST, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.2.0", "bitmap", "O(1)", "Returns a bit of a string.")},
    {ROW("setbit", bitmap_setbit, 4, CMD_WRITE | CMD_DENYOOM, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("2.2.0", "bitmap", "O(1)", "Sets or clears a bit of a string.")},
    {.name = NULL},
};
/* clang-format on */
