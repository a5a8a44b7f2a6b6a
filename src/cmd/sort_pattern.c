#include "src/cmd/sort_pattern.h"

#include "shard/entry.h"
#include "shard/key.h"
#include "shard/type/hash.h"
#include "src/base/mem.h"

/* Where a word begins in text; NULL: nowhere before a zero byte. */
static const char *find(struct slice text, const char *word)
{
    return memmem(text.ptr, strnlen(text.ptr, text.len), word, strlen(word));
}

static struct slice between(const char *from, const char *to) { return slice_of(from, (size_t)(to - from)); }

struct sort_pattern sort_pattern_of(struct slice text)
{
    const char *end = text.ptr + text.len, *star = find(text, "*");
    if (strnlen(text.ptr, text.len) == 1 && text.ptr[0] == '#')
        return (struct sort_pattern){.what = SORT_ELEMENT};
    if (!star)
        return (struct sort_pattern){.what = SORT_NOTHING};
    struct sort_pattern p = {.what = SORT_KEY, .before = between(text.ptr, star), .behind = between(star + 1, end)};
    const char *arrow = find(p.behind, "->");
    if (arrow && arrow + 2 < end && arrow[2] != '\0') {
        p.field = between(arrow + 2, end);
        p.behind = between(star + 1, arrow);
    }
    return p;
}

bool sort_pattern_reaches(const struct sort_pattern *p, struct slice key)
{
    if (p->what != SORT_KEY)
        return false;
    struct slice tag = hash_tag(p->before);
    bool fixed = tag.len < p->before.len;
    return !fixed || !slice_eq(tag, hash_tag(key));
}

void sort_name_deinit(struct sort_name *n) { mem_free(NULL, n->buf); }

static struct slice make_name(struct sort_name *n, const struct sort_pattern *p, struct slice element)
{
    enum { FIRST_BYTES = 64 };
    size_t len = p->before.len + element.len + p->behind.len;
    if (!n->buf || n->cap < len) {
        mem_free(NULL, n->buf);
        n->cap = len > FIRST_BYTES ? 2 * len : FIRST_BYTES;
        n->buf = mem_alloc(NULL, n->cap);
    }
    memcpy(n->buf, p->before.ptr, p->before.len);
    memcpy(n->buf + p->before.len, element.ptr, element.len);
    memcpy(n->buf + p->before.len + element.len, p->behind.ptr, p->behind.len);
    return slice_of(n->buf, len);
}

static struct sort_value string_at(struct keyspace *ks, uint32_t db, const struct key *key)
{
    char digits[ENTRY_INT_BUF_BYTES];
    struct sort_value v = {0};
    const struct entry *e = keyspace_read(ks, db, key).entry;
    if (!e || e->type != TYPE_STRING)
        return v;
    v.exists = true;
    if (e->encoding == ENC_INT) {
        v.value = listpack_integer(entry_int(e));
    } else {
        struct slice s = entry_string(e, digits, &v.blob);
        v.value = (struct listpack_value){.string = s.ptr, .len = s.len};
    }
    return v;
}

static struct sort_value field_at(struct keyspace *ks, uint32_t db, const struct key *key, struct slice field)
{
    struct hash h;
    struct sort_value v = {0};
    v.exists = hash_read(ks, db, key, &h) == STATUS_OK && hash_get(&h, field, &v.value);
    return v;
}

struct sort_value sort_pattern_look_up(struct cmd *c, const struct sort_pattern *p, struct listpack_value element,
                                       struct sort_name *name)
{
    char digits[NUM_INT_CHARS];
    struct key key = key_make(c->host->shape, make_name(name, p, listpack_text_of(element, digits)));
    struct keyspace *ks = cmd_keyspace_of(c, &key);
    return p->field.len > 0 ? field_at(ks, c->db, &key, p->field) : string_at(ks, c->db, &key);
}
