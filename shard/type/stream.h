/* Streams: messages in the order of their IDs, and groups of consumers that share them (stream_group.h). They know no
 * reply format. Semantics, order of checks and which messages a node holds: Redis 7.4 t_stream.c.
 *
 * A stream is a tree of nodes (stream_node.h) by the ID of their first message, and one of groups by name. It is always
 * a large value, and exists also without messages. length, first_id and so on are as XINFO STREAM shows them.
 *
 * The leaves of the trees stand for what they lead to: whoever changes a node, a group, a consumer or a pending message
 * calls ranked_before_change for its place; the rest of a stream changes after keyspace_change_value.
 *
 * Owner: as of any value. */
#ifndef SKUA_SHARD_TYPE_STREAM_H
#define SKUA_SHARD_TYPE_STREAM_H

#include "shard/ds/ranked.h"
#include "shard/keyspace.h"
#include "shard/status.h"
#include "shard/type/stream_node.h"

struct stream {
    struct value value; /* first */
    struct ranked nodes, groups;
    uint64_t length;        /* messages that are not deleted */
    uint64_t entries_added; /* ever */
    struct stream_id last_id;
    struct stream_id first_id;       /* 0-0: there are no messages */
    struct stream_id max_deleted_id; /* of XDEL; trimming leaves it */
};

/* In a tree whose items begin with their IDs: the first one with that ID or a greater one. */
bool stream_seek(const struct ranked *t, struct stream_id id, struct ranked_place *p);

/* The stream at a key, NULL if there is none; STATUS_WRONG_TYPE if it holds something else. To read it, to write it,
 * and to change it by a command that counts as reading (XACK). */
enum status stream_read(struct keyspace *ks, uint32_t db, const struct key *key, struct stream **s);
enum status stream_write(struct keyspace *ks, uint32_t db, const struct key *key, struct stream **s);
enum status stream_consume(struct keyspace *ks, uint32_t db, const struct key *key, struct stream **s);
/* An empty one without a key. */
struct stream *stream_make(struct value_home *home);
/* Puts a node from outside behind the others, as stream_node_load takes it: its messages are counted in length, and the
 * last one's ID is last_id. False: it is none, or begins too early. */
bool stream_append_node(struct stream *s, struct stream_id id, struct slice bytes);
/* Makes an empty one at a key that there is not. */
struct stream *stream_create(struct keyspace *ks, uint32_t db, const struct key *key);

/* Adds a message; fields and values alternate in words. STATUS_EXISTS: the ID is not greater than the last one;
 * STATUS_TOO_LONG: no node can hold that much. */
enum status stream_add(struct stream *s, const struct stream_limits *limits, struct stream_id id,
                       const struct slice *words, uint32_t fields);

/* Returns whether there was such a message. */
bool stream_delete(struct stream *s, struct stream_id id);

/* What to delete from the beginning on: what is more than length_max messages, or has a lower ID than id_min. */
struct stream_trim {
    enum { STREAM_TRIM_NONE, STREAM_TRIM_LENGTH, STREAM_TRIM_ID } by;
    bool approximate; /* whole nodes only */
    uint64_t length_max;
    struct stream_id id_min;
    uint64_t limit; /* most messages to delete, if a node does not have more; 0: any number */
};
/* Returns how many messages were deleted. */
uint64_t stream_trim(struct stream *s, const struct stream_trim *trim);

/* A message that is not deleted, on the way through a stream; good until it changes. */
struct stream_cursor {
    const struct stream *stream;
    struct ranked_place place;
    struct stream_message message;
};

/* The first message with that ID or a greater one, and the next ones; false: there is none. */
bool stream_find(const struct stream *s, struct stream_id id, struct stream_cursor *c);
bool stream_next(struct stream_cursor *c);
/* The last one with that ID or a lower one, and those before. */
bool stream_find_back(const struct stream *s, struct stream_id id, struct stream_cursor *c);
bool stream_previous(struct stream_cursor *c);

bool stream_has(const struct stream *s, struct stream_id id);

/* The ID of the last message, which may be lower than last_id; 0-0: there is none. */
struct stream_id stream_last_message(const struct stream *s);

/* The ID of the first message that a node still has, deleted or not; the greatest ID if there is no node. */
struct stream_id stream_first_kept(const struct stream *s);

/* How many nodes Redis's radix tree would have for this stream's nodes. */
uint64_t stream_radix_nodes(const struct stream *s);

/* For its row in value.c. */
uint64_t stream_count(struct typed_value v);
void *stream_copy(struct value_home *to, const void *v);
void stream_moved(void *v);
bool stream_free_step(void *v);

#endif
