/* A large value made of members that have names: the table encoding of hashes (a member is a field with its value) and
 * of sets (a member without one). Each member is one allocation, in a table by the hash of its name; names are unique.
 *
 * Owner: as of any value. Members and places are good until the next change. Names and values are up to
 * MEMBER_BYTES_MAX long, which the type has to see to. */
#ifndef SKUA_SHARD_MEMBERS_H
#define SKUA_SHARD_MEMBERS_H

#include "shard/ds/table.h"
#include "shard/value.h"
#include "src/base/random.h"

#define MEMBER_BYTES_MAX UINT32_MAX

struct member {
    uint32_t name_len, value_len;
    char data[]; /* the name, then the value */
};

struct members {
    struct value value; /* first */
    struct table table;
};

/* Where a member lies or, if there is none (NULL), would be put. */
struct member_place {
    struct member *member;
    uint64_t hash;            /* private */
    struct table_place table; /* private */
};

static inline struct slice member_name(const struct member *m) { return slice_of(m->data, m->name_len); }
static inline struct slice member_value(const struct member *m)
{
    return slice_of(m->data + m->name_len, m->value_len);
}

static inline uint64_t members_size(const struct members *m) { return m->table.size; }

struct members *members_create(struct value_home *home);

struct member_place members_find(const struct members *m, struct slice name);
/* Adds the member that place says is missing, or gives the one that is there this value, which must not lie in it. */
void members_put(struct members *m, struct member_place *place, struct slice name, struct slice value);
void members_remove(struct members *m, const struct member_place *place);

/* Calls fn with members from position (of table_scan) on, until at least count were given or ten times as many buckets
 * visited; returns the position to go on from, 0 at the end. A member that is there all the time is given at least
 * once, whatever changes between calls. */
uint64_t members_scan(const struct members *m, uint64_t position, uint64_t count, value_visit *fn, void *arg);

/* A random one, each equally likely; there is at least one. */
struct member_place members_random(const struct members *m, struct random *random);

/* Calls fn with n random members: any one each time, there is at least one; or n different ones, all if there are no
 * more, each set of them equally likely. */
void members_pick(const struct members *m, uint64_t n, struct random *random, value_visit *fn, void *arg);
void members_sample(const struct members *m, uint64_t n, struct random *random, value_visit *fn, void *arg);

/* For its row in value.c. */
uint64_t members_count(struct typed_value v);
void members_each(struct typed_value v, value_visit *fn, void *arg);
void *members_copy(struct value_home *to, const void *v);
bool members_free_step(void *v);

#endif
