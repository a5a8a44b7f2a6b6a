/* A node of a stream: some tens of messages in one listpack, in the form that Redis keeps them in and writes to RDB
 * files, byte for byte. Source: Redis 7.4, t_stream.c (streamAppendItem, streamIteratorGetID).
 *
 *   messages | deleted | fields | name ... | 0 | message ...           the master entry, and what follows it
 *   flags | ms | seq | value ... | elements                            a message with the names of the master entry
 *   flags | ms | seq | fields | name value ... | elements              any other
 *
 * ms and seq are differences to the node's ID, which is that of its first message; elements is how many come before it
 * in the message, to be read backwards. A message that is deleted is only marked, and counted above; a node whose last
 * message goes has to be freed by its owner. Deleted ones are seen by all functions here.
 *
 * Owner: the stream. Who changes a node has told the clock of the stream's tree before (ranked_before_change). */
#ifndef SKUA_SHARD_TYPE_STREAM_NODE_H
#define SKUA_SHARD_TYPE_STREAM_NODE_H

#include "shard/ds/listpack.h"
#include "shard/type/stream_id.h"
#include "shard/value.h"

struct stream_node {
    struct stream_id id; /* first */
    struct listpack *listpack;
};

/* A message, in its node; good until the node changes. */
struct stream_message {
    const struct stream_node *node;
    struct stream_id id;
    uint32_t fields;
    bool deleted;
    bool same_names; /* as the master entry */
    /* Private: */
    uint32_t at; /* its flags */
    uint32_t content_at;
    uint32_t end_at; /* its last element; LISTPACK_NONE: not known yet */
    uint32_t master_fields, master_names_at;
};

/* A node with one message; fields and values alternate in words, 2 * fields of them. */
struct stream_node *stream_node_create(struct mem_account *account, struct stream_id id, const struct slice *words,
                                       uint32_t fields);
/* A node made of the bytes of a listpack from outside. NULL: they are not one, or its messages not in order. */
struct stream_node *stream_node_load(struct mem_account *account, struct stream_id id, struct slice bytes);
struct stream_node *stream_node_copy(struct mem_account *account, const struct stream_node *n);
void stream_node_free(struct mem_account *account, struct stream_node *n);

/* Whether a listpack could take these at all, in a node of their own; and whether this node may take them, as the
 * limits and Redis say. */
bool stream_node_can_hold(const struct slice *words, uint32_t fields);
bool stream_node_has_room(const struct stream_node *n, const struct stream_limits *limits, const struct slice *words,
                          uint32_t fields);

/* Adds a message whose ID is greater than all that are there. */
void stream_node_append(struct mem_account *account, struct stream_node *n, struct stream_id id,
                        const struct slice *words, uint32_t fields);

/* Messages that are not deleted. */
uint64_t stream_node_count(const struct stream_node *n);

/* Marks a message as deleted, which is not the only one left. */
void stream_node_delete(struct mem_account *account, struct stream_node *n, const struct stream_message *m);

/* Marks messages as deleted from the first one on: as many as most, with lower IDs than below. Returns how many. All
 * may be deleted then, if the last one was before. */
uint64_t stream_node_trim(struct mem_account *account, struct stream_node *n, uint64_t most, struct stream_id below);

/* Going through the messages. False, and *m as it was: there is no other one. */
void stream_node_first(const struct stream_node *n, struct stream_message *m);
void stream_node_last(const struct stream_node *n, struct stream_message *m);
bool stream_node_next(struct stream_message *m);
bool stream_node_previous(struct stream_message *m);

/* The first message with that ID or a greater one. False: there is none, and *m is the last one. Walks from the end
 * that it seems to be nearer to. */
bool stream_node_find(const struct stream_node *n, struct stream_id id, struct stream_message *m);

/* Calls fn with each field and its value. */
void stream_message_each(struct stream_message *m, value_visit *fn, void *arg);

#endif
