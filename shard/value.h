/* Values that are no strings, and what a keyspace does with them without knowing their types: count their memory, copy,
 * move, free, and go through their elements. There is a row for each encoding at the bottom of value.c; what a type
 * does with its values is in shard/type.
 *
 * A *flat* value is one allocation in Redis's serialised form (listpack, intset), counted for its keyspace. A *large*
 * one is a struct that begins with struct value: it counts its own memory, so that its size is known at once and that
 * it changes keyspaces in no time, and it is freed in slices. It is made of parts of at most a few KB.
 *
 * A value belongs to the entry that points to it. Owner: the shard's worker or the holder of its lane. */
#ifndef SKUA_SHARD_VALUE_H
#define SKUA_SHARD_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/ds/epoch.h"
#include "src/base/mem.h"
#include "src/base/slice.h"

enum value_type { TYPE_STRING, TYPE_LIST, TYPE_SET, TYPE_ZSET, TYPE_HASH, TYPE_STREAM, TYPE_COUNT };

/* How a value is kept. Of strings: the first four; names are in encoding_name. */
enum encoding {
    ENC_RAW,
    ENC_EMBSTR,
    ENC_INT,
    ENC_BLOB, /* a string, shown as raw */
    ENC_LISTPACK,
    ENC_LISTPACK_EX, /* of hashes whose fields may expire */
    ENC_INTSET,
    ENC_QUICKLIST,
    ENC_TABLE, /* shown as hashtable */
    ENC_SKIPLIST,
    ENC_STREAM,
};

const char *type_name(enum value_type type);       /* as TYPE replies */
const char *encoding_name(enum encoding encoding); /* as OBJECT ENCODING replies */

/* What values need of the keyspace that they are in. */
struct value_home {
    struct mem_account *account; /* for all that is in the keyspace */
    uint64_t seed;               /* of the hashes of members; the same in all keyspaces of the process */
    struct epoch_clock clock;    /* of the nodes that large values are made of */
    struct value *garbage;       /* large values to be freed in slices */
};

/* What every large value begins with. */
struct value {
    struct mem_account account; /* of all that the value has, itself included; a child of home's */
    struct value_home *home;
    enum encoding encoding;
    struct value *next; /* of the garbage */
};

struct typed_value {
    enum value_type type;
    enum encoding encoding;
    void *ptr;
};

/* Up to which size a collection is kept as a listpack, as options say. */
struct flat_limits {
    uint64_t elements, element_bytes;
};

/* The same of sets, and how many integers are kept as an intset. */
struct set_limits {
    struct flat_limits flat;
    uint64_t integers;
};

/* Up to which size a node of a stream takes messages, as options say; 0: no limit. */
struct stream_limits {
    uint64_t node_bytes_max, node_entries_max;
};

/* For types: a large value of size bytes, zeroed behind its struct value; and its end, when it has nothing any more. */
void *value_create(struct value_home *home, enum encoding encoding, size_t size);
void value_destroy(struct value *v);

/* Bytes that the allocator holds for it. */
size_t value_memory(struct typed_value v);

/* Elements: pairs of a hash; messages of a stream, and those that its groups have pending. */
uint64_t value_count(struct typed_value v);

/* Calls fn with each element: of hashes field and value, of sorted sets member and text of the score, else second is
 * empty. Slices are good during the call. Not for streams, whose elements are more than that (shard/type/stream.h). */
typedef void value_visit(void *arg, struct slice first, struct slice second);
void value_each(struct typed_value v, value_visit *fn, void *arg);

/* A deep copy in to. */
void *value_copy(struct value_home *to, struct typed_value v);

/* The value lies in another keyspace from now on. */
void value_move(struct value_home *from, struct value_home *to, enum encoding encoding, void *v);

/* Nothing points to the value any more: frees it, now if it is small, else it becomes garbage. */
void value_discard(struct value_home *home, enum encoding encoding, void *v);
/* Frees a slice of the garbage, of which there is some. */
void value_free_step(struct value_home *home);

#endif
