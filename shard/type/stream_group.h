/* Groups of consumers of a stream, and what they have been given and not acknowledged. Semantics: Redis 7.4 t_stream.c.
 *
 * A pending message is in two trees by ID: its group's, which owns it and whose leaves stand for what it is, and that
 * of the consumer that has it, whose leaves stand for IDs only. Groups, and consumers in their group, are in trees in
 * the order of their names' bytes. A message may be pending that the stream has no more.
 *
 * Who reads a group's fields may do so; they change only by the functions here, which tell the clock. Pointers are good
 * until what they point to is deleted. Owner: the stream. */
#ifndef SKUA_SHARD_TYPE_STREAM_GROUP_H
#define SKUA_SHARD_TYPE_STREAM_GROUP_H

#include "shard/type/stream.h"

#define STREAM_READ_UNKNOWN INT64_C(-1)

struct stream_group {
    struct slice name; /* first; its bytes lie behind the struct */
    struct stream_id last_id;
    int64_t entries_read;  /* how many of all that were added come up to last_id, or STREAM_READ_UNKNOWN */
    struct ranked pending; /* struct stream_pending */
    struct ranked consumers;
};

struct stream_consumer {
    struct slice name; /* first; its bytes lie behind the struct */
    int64_t seen_ms;   /* Unix times: of its last command, */
    int64_t active_ms; /* and of the last one that gave it something; -1: none has */
    struct ranked pending;
};

struct stream_pending {
    struct stream_id id;              /* first */
    struct stream_consumer *consumer; /* NULL: nobody has it yet, see stream_pend */
    int64_t delivered_ms;
    uint64_t deliveries;
};

/* ---- Groups ---- */

/* NULL: there is no such group. */
struct stream_group *stream_find_group(const struct stream *s, struct slice name);
/* NULL: there is such a group. */
struct stream_group *stream_add_group(struct stream *s, struct slice name, struct stream_id last_id,
                                      int64_t entries_read);
void stream_remove_group(struct stream *s, struct stream_group *g);
void stream_set_group(struct stream *s, struct stream_group *g, struct stream_id last_id, int64_t entries_read);

/* Moves the group on to a message that it is given, and counts it if it can. */
void stream_advance_group(struct stream *s, struct stream_group *g, struct stream_id id);

/* How many of all messages that were ever added come up to that ID, where it can be told without counting, or
 * STREAM_READ_UNKNOWN. */
int64_t stream_estimate_read(const struct stream *s, struct stream_id id);

/* How many messages the group has yet to be given; false: nobody knows. */
bool stream_group_lag(const struct stream *s, const struct stream_group *g, int64_t *lag);

/* ---- Consumers ---- */

struct stream_consumer *stream_find_consumer(const struct stream_group *g, struct slice name);
/* NULL: there is such a consumer. */
struct stream_consumer *stream_add_consumer(struct stream *s, struct stream_group *g, struct slice name,
                                            int64_t now_ms);
/* With what it has pending; nobody has that any more then. */
void stream_remove_consumer(struct stream *s, struct stream_group *g, struct stream_consumer *c);
/* Notes when it was seen, and, if active, when it was given something. */
void stream_touch_consumer(struct stream *s, struct stream_group *g, struct stream_consumer *c, int64_t now_ms,
                           bool active);

/* ---- Pending messages ---- */

/* Those of a group or a consumer are gone through with ranked_first or stream_seek, ranked_next and this. */
static inline struct stream_pending *stream_pending_at(const struct ranked_place *p) { return ranked_pointer(p); }

/* NULL: it is not pending. */
struct stream_pending *stream_find_pending(const struct stream_group *g, struct stream_id id);
/* Makes a message pending that is not, as delivered once, to nobody: stream_give has to follow. */
struct stream_pending *stream_pend(struct stream *s, struct stream_group *g, struct stream_id id);
/* Gives it to a consumer, whoever has it now. */
void stream_give(struct stream *s, struct stream_group *g, struct stream_pending *p, struct stream_consumer *c,
                 int64_t delivered_ms, uint64_t deliveries);
/* It is not pending any more. */
void stream_drop(struct stream *s, struct stream_group *g, struct stream_pending *p);

/* ---- For stream.c ---- */

/* Pending messages of all groups. */
uint64_t stream_groups_size(const struct stream *s);
void stream_groups_copy(struct stream *to, const struct stream *from);
void stream_groups_moved(struct stream *s);
bool stream_groups_free_step(struct stream *s);

#endif
