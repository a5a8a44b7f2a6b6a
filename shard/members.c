#include "shard/members.h"

#include "src/base/assert.h"
#include "src/base/hash.h"

static uint64_t name_hash(const struct members *m, struct slice name)
{
    return hash_bytes(name.ptr, name.len, m->value.home->seed);
}

static uint64_t member_hash(void *members, const void *member) { return name_hash(members, member_name(member)); }

struct members *members_create(struct value_home *home)
{
    struct members *m = value_create(home, ENC_TABLE, sizeof *m);
    table_init(&m->table, &m->value.account, member_hash, m);
    return m;
}

/* ---- Single members ---- */

static struct member *make_member(struct members *m, struct slice name, struct slice value)
{
    ASSERT(name.len <= MEMBER_BYTES_MAX && value.len <= MEMBER_BYTES_MAX);
    /* All of its size class, so that another value may take the place of this one, see members_put. */
    struct member *made = mem_alloc(&m->value.account, mem_good_size(sizeof *made + name.len + value.len));
    made->name_len = (uint32_t)name.len;
    made->value_len = (uint32_t)value.len;
    memcpy(made->data, name.ptr, name.len);
    if (value.len > 0)
        memcpy(made->data + name.len, value.ptr, value.len);
    return made;
}

static bool is_member(const void *name, const void *member)
{
    const struct slice *n = name;
    const struct member *m = member;
    return m->name_len == n->len && bytes_equal(m->data, n->ptr, n->len);
}

struct member_place members_find(const struct members *m, struct slice name)
{
    struct member_place place = {.hash = name_hash(m, name)};
    place.member = table_find(&m->table, place.hash, is_member, &name, &place.table);
    return place;
}

void members_put(struct members *m, struct member_place *place, struct slice name, struct slice value)
{
    struct member *old = place->member;
    if (!old) {
        place->member = make_member(m, name, value);
        place->table = table_insert(&m->table, place->hash, place->member);
        return;
    }
    table_before_change(&m->table, place->table.bucket);
    size_t head = sizeof *old + name.len;
    if (mem_good_size(head + value.len) == mem_good_size(head + old->value_len)) {
        ASSERT(value.len <= MEMBER_BYTES_MAX);
        old->value_len = (uint32_t)value.len;
        if (value.len > 0)
            memcpy(old->data + name.len, value.ptr, value.len);
        return;
    }
    place->member = make_member(m, name, value);
    table_replace(place->table, place->member);
    mem_free(&m->value.account, old);
}

void members_remove(struct members *m, const struct member_place *place)
{
    table_remove(&m->table, place->hash, place->table);
    mem_free(&m->value.account, place->member);
    if (table_is_sparse(&m->table))
        table_shrink_step(&m->table);
}

/* ---- Going through them ---- */

struct visit {
    value_visit *fn;
    void *arg;
    uint64_t given;
};

static void give(struct visit *v, const struct member *m)
{
    v->fn(v->arg, member_name(m), member_value(m));
    v->given++;
}

static void visit_member(void *visit, void *member) { give(visit, member); }

static void visit_all(const struct members *m, table_visit *visit, void *arg)
{
    uint64_t position = 0;
    do
        position = table_scan(&m->table, position, visit, arg);
    while (position != 0);
}

void members_each(struct typed_value v, value_visit *fn, void *arg)
{
    visit_all(v.ptr, visit_member, &(struct visit){.fn = fn, .arg = arg});
}

uint64_t members_count(struct typed_value v) { return members_size(v.ptr); }

uint64_t members_scan(const struct members *m, uint64_t position, uint64_t count, value_visit *fn, void *arg)
{
    struct visit visit = {.fn = fn, .arg = arg};
    for (uint64_t buckets = 0; visit.given < count && buckets / 10 < count; buckets++) {
        position = table_scan(&m->table, position, visit_member, &visit);
        if (position == 0)
            break;
    }
    return position;
}

/* ---- Random ones ---- */

static uint64_t next_random(void *random) { return random_u64(random); }

static const struct member *random_member(const struct members *m, struct random *random)
{
    struct table_place place;
    return table_random(&m->table, next_random, random, &place);
}

struct member_place members_random(const struct members *m, struct random *random)
{
    struct member_place place;
    place.member = table_random(&m->table, next_random, random, &place.table);
    place.hash = name_hash(m, member_name(place.member));
    return place;
}

void members_pick(const struct members *m, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    struct visit visit = {.fn = fn, .arg = arg};
    while (n-- > 0)
        give(&visit, random_member(m, random));
}

/* Selection sampling (Knuth, TAOCP 3.4.2, algorithm S): one walk over all. */
struct selection {
    struct visit visit;
    struct random *random;
    uint64_t wanted, left;
};

static void select_member(void *arg, void *member)
{
    struct selection *s = arg;
    if (random_below(s->random, s->left--) >= s->wanted)
        return;
    s->wanted--;
    give(&s->visit, member);
}

/* Picks until there are n different ones, which is soon if n is far below the size. taken: those there are, a hash
 * table of pointers. */
static void sample_few(const struct members *m, uint64_t n, struct random *random, struct visit *visit)
{
    uint64_t size = 4;
    while (size < 2 * n)
        size *= 2;
    const struct member **taken = mem_zalloc(NULL, size * sizeof *taken);
    while (visit->given < n) {
        const struct member *member = random_member(m, random);
        uint64_t i = ((uintptr_t)member >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (size - 1);
        while (taken[i] && taken[i] != member)
            i = (i + 1) & (size - 1);
        if (taken[i])
            continue;
        taken[i] = member;
        give(visit, member);
    }
    mem_free(NULL, taken);
}

void members_sample(const struct members *m, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    struct selection s = {{.fn = fn, .arg = arg}, random, n, members_size(m)};
    if (n < s.left / 3)
        sample_few(m, n, random, &s.visit);
    else
        visit_all(m, select_member, &s);
}

/* ---- Copying, freeing ---- */

static void add_copy(void *arg, void *member)
{
    struct members *to = arg;
    struct slice name = member_name(member);
    table_insert(&to->table, name_hash(to, name), make_member(to, name, member_value(member)));
}

void *members_copy(struct value_home *to, const void *v)
{
    struct members *copy = members_create(to);
    visit_all(v, add_copy, copy);
    return copy;
}

static void free_member(void *arg, void *member) { mem_free(arg, member); }

bool members_free_step(void *v)
{
    struct members *m = v;
    if (table_clear_step(&m->table, free_member, &m->value.account))
        return true;
    table_deinit(&m->table);
    return false;
}
