/* A worker's mailbox: the one way in which workers hand things to each other. An intrusive multi-producer
 * single-consumer queue: a message is a field of what it announces (a group, a hold, an ask), so sending needs no room,
 * cannot fail, and the queue is bounded by what connections may have outstanding. Messages of one sender arrive in the
 * order in which it sent them.
 *
 * Senders collect messages per target in an outbox and publish each outbox once per loop iteration: one
 * compare-and-swap and at most one wake per target and iteration, however many messages. Taking is one exchange.
 *
 * Sleeping: the consumer announces that it sleeps, then looks again; a sender publishes, then looks whether the
 * consumer sleeps. Both have a full fence in between, so one of the two sees the other. */
#ifndef SKUA_SHARD_MAILBOX_H
#define SKUA_SHARD_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct message {
    struct message *next;
    int kind; /* the receiver's: enum message_kind in src/server/worker.h */
};

/* Owner: the worker that takes from it; head is shared. */
struct mailbox {
    _Alignas(64) _Atomic(struct message *) head;
    _Alignas(64) _Atomic int sleeping;
};

/* Messages on their way to one target, newest first. Owner: the sender. */
struct outbox {
    struct message *newest, *oldest;
};

void mailbox_init(struct mailbox *m);

static inline void outbox_add(struct outbox *o, struct message *msg)
{
    msg->next = o->newest;
    o->newest = msg;
    if (!o->oldest)
        o->oldest = msg;
}

/* The messages, oldest first, linked by next; the outbox is empty then. For what its owner sent itself. */
struct message *outbox_take(struct outbox *o);

/* Hands the messages over and empties the outbox. True if the consumer sleeps and the caller is to wake it. */
bool mailbox_publish(struct mailbox *m, struct outbox *o);
/* The same for one message. */
bool mailbox_send(struct mailbox *m, struct message *msg);

/* True if the consumer sleeps and the caller, who has made something visible to it by other means, is to wake it. */
bool mailbox_needs_wake(struct mailbox *m);

/* All messages, oldest first, linked by next; NULL if there are none. */
struct message *mailbox_take(struct mailbox *m);

static inline bool mailbox_empty(const struct mailbox *m)
{
    return atomic_load_explicit(&((struct mailbox *)m)->head, memory_order_relaxed) == NULL;
}

/* Before sleeping: announces it. The consumer then looks at everything others may have given it, and sleeps only if
 * there is nothing; mailbox_awake afterwards in either case. */
void mailbox_announce_sleep(struct mailbox *m);
void mailbox_awake(struct mailbox *m);

#endif
