#include "shard/type/set_value.h"

#include "shard/ds/intset.h"
#include "shard/members.h"
#include "src/base/assert.h"

enum { MEMBERS_AT_ONCE = 64 };

static const struct slice no_value = {"", 0};

/* The member as intsets and listpacks know it. */
static struct listpack_value packed(struct listpack_value member)
{
    return member.string ? listpack_value_of(slice_of(member.string, member.len)) : member;
}

static uint64_t intset_count_max(const struct set_limits *limits)
{
    return limits->integers < INTSET_COUNT_MAX ? limits->integers : INTSET_COUNT_MAX - 1;
}

/* ---- Encodings ---- */

enum encoding set_value_first_encoding(const struct set_limits *limits, struct slice first, uint64_t members)
{
    if (members <= limits->integers && !listpack_value_of(first).string)
        return ENC_INTSET;
    return members <= limits->flat.elements ? ENC_LISTPACK : ENC_TABLE;
}

struct typed_value set_value_create(struct value_home *home, enum encoding encoding)
{
    struct typed_value v = {.type = TYPE_SET, .encoding = encoding};
    if (encoding == ENC_INTSET)
        v.ptr = intset_create(home->account);
    else
        v.ptr = encoding == ENC_LISTPACK ? (void *)listpack_create(home->account, 0) : members_create(home);
    return v;
}

static void add_to_members(void *members, struct slice name, struct slice value)
{
    struct member_place place = members_find(members, name);
    if (!place.member)
        members_put(members, &place, name, value);
}

static void to_members(struct value_home *home, struct typed_value *v)
{
    struct typed_value made = set_value_create(home, ENC_TABLE);
    value_each(*v, add_to_members, made.ptr);
    value_discard(home, v->encoding, v->ptr);
    *v = made;
}

static void intset_to_listpack(struct value_home *home, struct typed_value *v)
{
    const struct intset *integers = v->ptr;
    struct typed_value made = set_value_create(home, ENC_LISTPACK);
    for (uint32_t i = 0; i < intset_count(integers); i++)
        made.ptr = listpack_append(home->account, made.ptr, listpack_integer(intset_get(integers, i)));
    value_discard(home, v->encoding, v->ptr);
    *v = made;
}

void set_value_expect(struct value_home *home, struct typed_value *v, const struct set_limits *limits, uint64_t members)
{
    if ((v->encoding == ENC_LISTPACK && members > limits->flat.elements) ||
        (v->encoding == ENC_INTSET && members > limits->integers))
        to_members(home, v);
}

struct collection {
    struct value_home *home;
    struct intset *integers;
};

static void collect_integer(void *arg, struct slice member, struct slice value)
{
    struct collection *c = arg;
    c->integers = intset_add(c->home->account, c->integers, listpack_value_of(member).integer, NULL);
}

void set_value_to_intset(struct value_home *home, struct typed_value *v, const struct set_limits *limits)
{
    if (v->encoding == ENC_INTSET || value_count(*v) > intset_count_max(limits))
        return;
    struct collection c = {home, intset_create(home->account)};
    value_each(*v, collect_integer, &c);
    value_discard(home, v->encoding, v->ptr);
    *v = (struct typed_value){TYPE_SET, ENC_INTSET, c.integers};
}

/* ---- Single members ---- */

bool set_value_has(struct typed_value v, struct listpack_value member)
{
    char buf[NUM_INT_CHARS];
    if (v.encoding == ENC_TABLE)
        return members_find(v.ptr, listpack_text_of(member, buf)).member != NULL;
    member = packed(member);
    if (v.encoding == ENC_INTSET)
        return !member.string && intset_has(v.ptr, member.integer);
    return listpack_find(v.ptr, listpack_first(v.ptr), member, 0) != LISTPACK_NONE;
}

static bool put_member(struct members *m, struct listpack_value member)
{
    char buf[NUM_INT_CHARS];
    struct slice name = listpack_text_of(member, buf);
    struct member_place place = members_find(m, name);
    if (place.member)
        return false;
    members_put(m, &place, name, no_value);
    return true;
}

static size_t text_len(struct listpack_value member)
{
    char buf[NUM_INT_CHARS];
    return listpack_text_of(member, buf).len;
}

/* Whether the integers of an intset, and member with them, may be a listpack. None is longer than the largest or the
 * smallest of them. */
static bool may_be_listpack(const struct intset *integers, const struct set_limits *limits,
                            struct listpack_value member)
{
    uint32_t count = intset_count(integers);
    size_t longest = text_len(member), widest = 0;
    for (uint32_t i = 0; i < 2 && count > 0; i++) {
        struct listpack_value end = listpack_integer(intset_get(integers, i * (count - 1)));
        size_t len = text_len(end), bytes = listpack_value_bytes(end);
        longest = len > longest ? len : longest;
        widest = bytes > widest ? bytes : widest;
    }
    return count < limits->flat.elements && longest <= limits->flat.element_bytes &&
           listpack_has_room(NULL, count * widest + listpack_value_bytes(member));
}

static bool add_to_intset(struct value_home *home, struct typed_value *v, const struct set_limits *limits,
                          struct listpack_value member)
{
    bool added = true;
    if (!member.string) {
        v->ptr = intset_add(home->account, v->ptr, member.integer, &added);
        if (added && intset_count(v->ptr) > intset_count_max(limits))
            to_members(home, v);
    } else if (may_be_listpack(v->ptr, limits, member)) {
        intset_to_listpack(home, v);
        v->ptr = listpack_append(home->account, v->ptr, member);
    } else {
        to_members(home, v);
        put_member(v->ptr, member);
    }
    return added;
}

static bool add_to_listpack(struct value_home *home, struct typed_value *v, const struct set_limits *limits,
                            struct listpack_value member)
{
    struct listpack *lp = v->ptr;
    if (listpack_find(lp, listpack_first(lp), member, 0) != LISTPACK_NONE)
        return false;
    if (listpack_count(lp) < limits->flat.elements && text_len(member) <= limits->flat.element_bytes &&
        listpack_has_room(lp, listpack_value_bytes(member))) {
        v->ptr = listpack_append(home->account, lp, member);
    } else {
        to_members(home, v);
        put_member(v->ptr, member);
    }
    return true;
}

bool set_value_add(struct value_home *home, struct typed_value *v, const struct set_limits *limits,
                   struct listpack_value member)
{
    if (v->encoding == ENC_TABLE)
        return put_member(v->ptr, member);
    if (v->encoding == ENC_INTSET)
        return add_to_intset(home, v, limits, packed(member));
    return add_to_listpack(home, v, limits, packed(member));
}

bool set_value_remove(struct value_home *home, struct typed_value *v, struct listpack_value member)
{
    if (v->encoding == ENC_TABLE) {
        char buf[NUM_INT_CHARS];
        struct member_place place = members_find(v->ptr, listpack_text_of(member, buf));
        if (place.member)
            members_remove(v->ptr, &place);
        return place.member != NULL;
    }
    bool removed = false;
    member = packed(member);
    if (v->encoding == ENC_INTSET) {
        if (!member.string)
            v->ptr = intset_remove(home->account, v->ptr, member.integer, &removed);
        return removed;
    }
    uint32_t at = listpack_find(v->ptr, listpack_first(v->ptr), member, 0);
    if (at != LISTPACK_NONE)
        v->ptr = listpack_delete(home->account, v->ptr, at, 1);
    return at != LISTPACK_NONE;
}

/* ---- All members ---- */

struct each {
    set_visit *fn;
    void *arg;
    bool goes_on;
};

static void visit_member(void *arg, struct slice name, struct slice value)
{
    struct each *e = arg;
    if (e->goes_on)
        e->goes_on = e->fn(e->arg, set_text(name));
}

void set_value_each(struct typed_value v, set_visit *fn, void *arg)
{
    struct each e = {fn, arg, true};
    uint64_t position = 0;
    switch (v.encoding) {
    case ENC_INTSET:
        for (uint32_t i = 0; e.goes_on && i < intset_count(v.ptr); i++)
            e.goes_on = fn(arg, listpack_integer(intset_get(v.ptr, i)));
        break;
    case ENC_LISTPACK:
        for (uint32_t at = listpack_first(v.ptr); e.goes_on && at != LISTPACK_NONE; at = listpack_next(v.ptr, at))
            e.goes_on = fn(arg, listpack_get(v.ptr, at));
        break;
    default:
        do
            position = members_scan(v.ptr, position, MEMBERS_AT_ONCE, visit_member, &e);
        while (e.goes_on && position != 0);
    }
}

/* ---- Random ones ---- */

static void give(struct listpack_value member, value_visit *fn, void *arg)
{
    char buf[NUM_INT_CHARS];
    fn(arg, listpack_text_of(member, buf), no_value);
}

static struct listpack_value nth_integer(const struct intset *s, uint64_t i)
{
    return listpack_integer(intset_get(s, (uint32_t)i));
}

static void pick_packed(const struct listpack *lp, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    uint64_t count = listpack_count(lp);
    if (n == 1) {
        give(listpack_get(lp, listpack_seek(lp, (int64_t)random_below(random, count))), fn, arg);
        return;
    }
    uint32_t *places = mem_alloc(NULL, count * sizeof *places);
    listpack_places(lp, 1, places);
    while (n-- > 0)
        give(listpack_get(lp, places[random_below(random, count)]), fn, arg);
    mem_free(NULL, places);
}

void set_value_pick(struct typed_value v, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    if (v.encoding == ENC_TABLE)
        members_pick(v.ptr, n, random, fn, arg);
    else if (v.encoding == ENC_LISTPACK)
        pick_packed(v.ptr, n, random, fn, arg);
    else
        while (n-- > 0)
            give(nth_integer(v.ptr, random_below(random, intset_count(v.ptr))), fn, arg);
}

/* n places of a listpack, ascending. The caller frees them. */
static uint32_t *sample_places(const struct listpack *lp, uint32_t n, struct random *random)
{
    uint32_t *places = mem_alloc(NULL, n * sizeof *places);
    uint32_t found = listpack_sample(lp, 1, n, random, places);
    ASSERT(found == n);
    return places;
}

void set_value_sample(struct typed_value v, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    uint64_t count = value_count(v);
    n = n < count ? n : count;
    if (v.encoding == ENC_TABLE) {
        members_sample(v.ptr, n, random, fn, arg);
    } else if (v.encoding == ENC_LISTPACK) {
        uint32_t *places = sample_places(v.ptr, (uint32_t)n, random);
        for (uint64_t i = 0; i < n; i++)
            give(listpack_get(v.ptr, places[i]), fn, arg);
        mem_free(NULL, places);
    } else {
        /* Selection sampling, as members_sample does it. */
        for (uint64_t i = 0; n > 0; i++) {
            if (random_below(random, count - i) < n) {
                give(nth_integer(v.ptr, i), fn, arg);
                n--;
            }
        }
    }
}

static struct intset *pop_integer(struct value_home *home, struct intset *s, uint64_t i, value_visit *fn, void *arg)
{
    struct listpack_value member = nth_integer(s, i);
    give(member, fn, arg);
    return intset_remove(home->account, s, member.integer, NULL);
}

static struct intset *pop_integers(struct value_home *home, struct intset *s, uint64_t n, struct random *random,
                                   value_visit *fn, void *arg)
{
    if (n == 1)
        return pop_integer(home, s, random_below(random, intset_count(s)), fn, arg);
    /* Selection sampling from the end: what goes away does not move what has still to be looked at. */
    for (uint64_t left = intset_count(s); n > 0; left--) {
        if (random_below(random, left) < n) {
            s = pop_integer(home, s, left - 1, fn, arg);
            n--;
        }
    }
    return s;
}

static struct listpack *pop_packed(struct value_home *home, struct listpack *lp, uint64_t n, struct random *random,
                                   value_visit *fn, void *arg)
{
    if (n == 1) {
        uint32_t at = listpack_seek(lp, (int64_t)random_below(random, listpack_count(lp)));
        give(listpack_get(lp, at), fn, arg);
        return listpack_delete(home->account, lp, at, 1);
    }
    uint32_t *places = sample_places(lp, (uint32_t)n, random);
    for (uint64_t i = 0; i < n; i++)
        give(listpack_get(lp, places[i]), fn, arg);
    lp = listpack_delete_places(home->account, lp, places, (uint32_t)n);
    mem_free(NULL, places);
    return lp;
}

void set_value_pop(struct value_home *home, struct typed_value *v, uint64_t n, struct random *random, value_visit *fn,
                   void *arg)
{
    DASSERT(n <= value_count(*v));
    if (n == 0)
        return;
    if (v->encoding == ENC_INTSET) {
        v->ptr = pop_integers(home, v->ptr, n, random, fn, arg);
    } else if (v->encoding == ENC_LISTPACK) {
        v->ptr = pop_packed(home, v->ptr, n, random, fn, arg);
    } else {
        while (n-- > 0) {
            struct member_place place = members_random(v->ptr, random);
            fn(arg, member_name(place.member), no_value);
            members_remove(v->ptr, &place);
        }
    }
}
