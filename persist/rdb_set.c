/* Sets in RDB files: as strings, as an intset, or as a listpack. */
#include "persist/rdb_types.h"
#include "shard/ds/intset.h"
#include "shard/members.h"
#include "shard/type/set_value.h"

/* ---- Reading ---- */

static bool read_members(struct rdb_value_reader *r, struct typed_value *set)
{
    const struct set_limits *limits = &r->limits->set;
    struct slice member;
    uint64_t n;
    if (!rdb_read_length(&r->in, &n))
        return false;
    *set = set_value_create(r->home, n > limits->integers ? ENC_TABLE : ENC_INTSET);
    for (; n > 0; n--) {
        if (!rdb_read_text(&r->in, &r->first, &member))
            return rdb_discard(r, set);
        if (member.len > MEMBER_BYTES_MAX || !set_value_add(r->home, set, limits, set_text(member))) {
            rdb_read_bad(r, "a set that has a member twice");
            return rdb_discard(r, set);
        }
    }
    return true;
}

static bool read_intset(struct rdb_value_reader *r, struct typed_value *set)
{
    struct slice bytes;
    if (!rdb_read_text(&r->in, &r->first, &bytes))
        return false;
    *set = (struct typed_value){TYPE_SET, ENC_INTSET, intset_load(r->home->account, bytes)};
    return set->ptr || rdb_read_bad(r, "an intset that is damaged");
}

static bool read_listpack(struct rdb_value_reader *r, struct typed_value *set)
{
    struct listpack *lp = rdb_read_listpack(r);
    *set = (struct typed_value){TYPE_SET, ENC_LISTPACK, lp};
    if (!lp || rdb_listpack_is_unique(lp, 1))
        return lp != NULL;
    rdb_read_bad(r, "a set that has a member twice");
    return rdb_discard(r, set);
}

bool rdb_read_set(struct rdb_value_reader *r, struct typed_value *out)
{
    bool good = r->type == RDB_TYPE_SET          ? read_members(r, out)
                : r->type == RDB_TYPE_SET_INTSET ? read_intset(r, out)
                                                 : read_listpack(r, out);
    if (!good)
        return false;
    uint64_t members = value_count(*out);
    if (members == 0) {
        rdb_read_bad(r, "an empty set");
        return rdb_discard(r, out);
    }
    set_value_expect(r->home, out, &r->limits->set, members);
    return true;
}

/* ---- Writing ---- */

static void write_member(void *w, struct slice member, struct slice none) { rdb_write_string(w, member); }

/* A listpack as single members: Redis 7.0 knows no other form of it. */
int rdb_write_set(struct rdb_write *w, struct typed_value v)
{
    if (v.encoding == ENC_INTSET) {
        rdb_write_byte(w, RDB_TYPE_SET_INTSET);
        rdb_write_string(w, intset_bytes(v.ptr));
        return RDB_VERSION_7_0;
    }
    rdb_write_byte(w, RDB_TYPE_SET);
    rdb_write_length(w, value_count(v));
    value_each(v, write_member, w);
    return RDB_VERSION_7_0;
}
