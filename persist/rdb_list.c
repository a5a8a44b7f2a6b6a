/* Lists in RDB files: as strings, as a ziplist, or as a quicklist of ziplists or of listpacks and large elements. */
#include "persist/rdb_types.h"
#include "shard/type/quicklist.h"

/* ---- Reading ---- */

static bool push(struct rdb_value_reader *r, struct quicklist *list, struct slice element)
{
    if (element.len > QUICKLIST_ELEMENT_BYTES_MAX)
        return rdb_read_bad(r, "an element that is too long");
    quicklist_push(list, LIST_TAIL, element);
    return true;
}

static bool read_element(struct rdb_value_reader *r, struct quicklist *list)
{
    struct slice element;
    return rdb_read_text(&r->in, &r->first, &element) && push(r, list, element);
}

/* A ziplist that is all of a list. */
static bool read_ziplist(struct rdb_value_reader *r, struct quicklist *list)
{
    struct listpack *lp = rdb_read_listpack(r);
    char digits[NUM_INT_CHARS];
    bool good = lp != NULL;
    for (uint32_t at = lp ? listpack_first(lp) : LISTPACK_NONE; good && at != LISTPACK_NONE; at = listpack_next(lp, at))
        good = push(r, list, listpack_text_of(listpack_get(lp, at), digits));
    mem_free(r->home->account, lp);
    return good;
}

/* One that is a part of it, and stays one. */
static bool read_packed_node(struct rdb_value_reader *r, struct quicklist *list)
{
    struct listpack *lp = rdb_read_listpack(r);
    if (lp)
        quicklist_append_listpack(list, lp);
    return lp != NULL;
}

static bool read_node(struct rdb_value_reader *r, struct quicklist *list)
{
    uint64_t kind;
    if (r->type == RDB_TYPE_LIST)
        return read_element(r, list);
    if (r->type == RDB_TYPE_LIST_QUICKLIST)
        return read_packed_node(r, list);
    if (!rdb_read_length(&r->in, &kind))
        return false;
    if (kind != RDB_NODE_PLAIN && kind != RDB_NODE_PACKED)
        return rdb_read_bad(r, "a node of a list that is neither packed nor plain");
    return kind == RDB_NODE_PLAIN ? read_element(r, list) : read_packed_node(r, list);
}

static bool read_nodes(struct rdb_value_reader *r, struct quicklist *list)
{
    uint64_t nodes;
    if (r->type == RDB_TYPE_LIST_ZIPLIST)
        return read_ziplist(r, list);
    if (!rdb_read_length(&r->in, &nodes))
        return false;
    while (nodes > 0 && read_node(r, list))
        nodes--;
    return nodes == 0;
}

bool rdb_read_list(struct rdb_value_reader *r, struct typed_value *out)
{
    struct quicklist_limit limit = quicklist_limit(r->limits->list_node_size);
    struct quicklist *list = quicklist_create(r->home, &limit);
    *out = (struct typed_value){TYPE_LIST, ENC_QUICKLIST, list};
    if (!read_nodes(r, list))
        return rdb_discard(r, out);
    if (quicklist_len(list) == 0) {
        rdb_read_bad(r, "an empty list");
        return rdb_discard(r, out);
    }
    const struct listpack *only = quicklist_only_listpack(list);
    if (only && !quicklist_exceeds(&limit, only->bytes, quicklist_len(list)))
        *out = (struct typed_value){TYPE_LIST, ENC_LISTPACK, quicklist_to_listpack(list)};
    return true;
}

/* ---- Writing ---- */

static void write_packed(struct rdb_write *w, const struct listpack *lp)
{
    rdb_write_length(w, RDB_NODE_PACKED);
    rdb_write_string(w, listpack_bytes(lp));
}

static void write_node(struct rdb_write *w, const struct quicklist *list, const struct listpack *lp)
{
    if (!quicklist_is_plain(list, lp)) {
        write_packed(w, lp);
        return;
    }
    struct listpack_value element = listpack_get(lp, LISTPACK_FIRST);
    rdb_write_length(w, RDB_NODE_PLAIN);
    rdb_write_string(w, slice_of(element.string, element.len));
}

int rdb_write_list(struct rdb_write *w, struct typed_value v)
{
    rdb_write_byte(w, RDB_TYPE_LIST_QUICKLIST_2);
    if (v.encoding == ENC_LISTPACK) {
        rdb_write_length(w, 1);
        write_packed(w, v.ptr);
        return RDB_VERSION_7_0;
    }
    const struct quicklist *list = v.ptr;
    struct ranked_place p;
    rdb_write_length(w, list->nodes.items);
    for (bool more = ranked_first(&list->nodes, &p); more; more = ranked_next(&list->nodes, &p))
        write_node(w, list, quicklist_listpack(&p));
    return RDB_VERSION_7_0;
}
