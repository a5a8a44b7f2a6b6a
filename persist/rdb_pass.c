#include "persist/rdb_pass.h"

#include "persist/rdb_format.h"
#include "src/base/assert.h"

/* Source: Redis 7.4, rdb.c (rdbLoadObject). Of what a value is made, part by part:
 *   s  a string          l  a length          8  a number of 8 bytes          F  16 bytes: the ID of a message
 *   d  a double as text: a byte with its length; from 253 on the byte alone says what it is
 *   (  a length: how often all up to the matching ) follows
 * Streams: nodes; length, last ID, from version 2 on first ID, greatest deleted ID and how many were added; groups:
 * name, last ID, from version 2 on how many it has read, pending messages, consumers: name, time seen, from version 3
 * on time active, IDs of what it has pending. */
static const char *const shapes[RDB_TYPES] = {
    [RDB_TYPE_STRING] = "s",
    [RDB_TYPE_LIST] = "(s)",
    [RDB_TYPE_SET] = "(s)",
    [RDB_TYPE_ZSET] = "(sd)",
    [RDB_TYPE_HASH] = "(ss)",
    [RDB_TYPE_ZSET_2] = "(s8)",
    [RDB_TYPE_HASH_ZIPMAP] = "s",
    [RDB_TYPE_LIST_ZIPLIST] = "s",
    [RDB_TYPE_SET_INTSET] = "s",
    [RDB_TYPE_ZSET_ZIPLIST] = "s",
    [RDB_TYPE_HASH_ZIPLIST] = "s",
    [RDB_TYPE_LIST_QUICKLIST] = "(s)",
    [RDB_TYPE_STREAM] = "(ss)lll(sll(F8l)(s8(F)))",
    [RDB_TYPE_HASH_LISTPACK] = "s",
    [RDB_TYPE_ZSET_LISTPACK] = "s",
    [RDB_TYPE_LIST_QUICKLIST_2] = "(ls)",
    [RDB_TYPE_STREAM_2] = "(ss)llllllll(slll(F8l)(s8(F)))",
    [RDB_TYPE_SET_LISTPACK] = "s",
    [RDB_TYPE_STREAM_3] = "(ss)llllllll(slll(F8l)(s88(F)))",
    [RDB_TYPE_HASH_TIMED_PRE_GA] = "(lss)",
    [RDB_TYPE_HASH_TRIPLETS_PRE_GA] = "s",
    [RDB_TYPE_HASH_TIMED] = "8(lss)",
    [RDB_TYPE_HASH_TRIPLETS] = "8s",
};

bool rdb_pass_knows(uint8_t type) { return type < RDB_TYPES && shapes[type]; }

/* What stands behind the ) that matches the ( before body. */
static const char *behind(const char *body)
{
    for (int depth = 1; depth > 0; body++)
        depth += (*body == '(') - (*body == ')');
    return body;
}

static bool pass_text_double(struct rdb_read *r)
{
    uint8_t len;
    return rdb_read_byte(r, &len) && (len >= RDB_DOUBLE_NAN || rdb_read_bytes(r, len));
}

static bool begin_loop(struct rdb_read *r, struct rdb_pass *pass)
{
    const char *body = pass->next + 1;
    uint64_t times;
    if (!rdb_read_length(r, &times))
        return false;
    if (times == 0) {
        pass->next = behind(body);
        return true;
    }
    ASSERT(pass->depth < RDB_PASS_DEPTH_MAX);
    pass->loop[pass->depth].body = body;
    pass->loop[pass->depth++].left = times;
    pass->next = body;
    return true;
}

static void end_loop(struct rdb_pass *pass)
{
    uint32_t inner = pass->depth - 1;
    if (--pass->loop[inner].left > 0) {
        pass->next = pass->loop[inner].body;
    } else {
        pass->depth--;
        pass->next++;
    }
}

static bool pass_simple(struct rdb_read *r, char part)
{
    uint64_t length;
    switch (part) {
    case 's':
        return rdb_read_skip_string(r);
    case 'l':
        return rdb_read_length(r, &length);
    case '8':
        return rdb_read_bytes(r, 8) != NULL;
    case 'F':
        return rdb_read_bytes(r, 16) != NULL;
    default:
        return pass_text_double(r);
    }
}

/* Changes nothing if it could not. */
static bool pass_part(struct rdb_read *r, struct rdb_pass *pass)
{
    if (*pass->next == '(')
        return begin_loop(r, pass);
    if (*pass->next == ')') {
        end_loop(pass);
        return true;
    }
    if (!pass_simple(r, *pass->next))
        return false;
    pass->next++;
    return true;
}

bool rdb_pass_value(struct rdb_read *r, uint8_t type, struct rdb_pass *pass)
{
    const char *begin = r->at;
    ASSERT(rdb_pass_knows(type));
    if (!pass->next)
        pass->next = shapes[type];
    for (r->at += pass->done; *pass->next; pass->done = (size_t)(r->at - begin))
        if (!pass_part(r, pass))
            return false;
    return true;
}
