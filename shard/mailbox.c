#include "shard/mailbox.h"

#include "src/base/shared.h"

void mailbox_init(struct mailbox *m)
{
    atomic_init(&m->head, NULL);
    atomic_init(&m->sleeping, 0);
}

static struct message *reversed(struct message *newest)
{
    struct message *oldest_first = NULL;
    while (newest) {
        struct message *next = newest->next;
        newest->next = oldest_first;
        oldest_first = newest;
        newest = next;
    }
    return oldest_first;
}

struct message *outbox_take(struct outbox *o)
{
    struct message *newest = o->newest;
    *o = (struct outbox){0};
    return reversed(newest);
}

static void push(struct mailbox *m, struct message *newest, struct message *oldest)
{
    SHARED_OP();
    struct message *head = atomic_load_explicit(&m->head, memory_order_relaxed);
    do
        oldest->next = head;
    while (!atomic_compare_exchange_weak_explicit(&m->head, &head, newest, memory_order_seq_cst, memory_order_relaxed));
}

bool mailbox_publish(struct mailbox *m, struct outbox *o)
{
    push(m, o->newest, o->oldest);
    *o = (struct outbox){0};
    return mailbox_needs_wake(m);
}

bool mailbox_send(struct mailbox *m, struct message *msg)
{
    push(m, msg, msg);
    return mailbox_needs_wake(m);
}

bool mailbox_needs_wake(struct mailbox *m)
{
    /* Pairs with the fence in mailbox_announce_sleep: what was published must be visible before sleeping is read. */
    atomic_thread_fence(memory_order_seq_cst);
    SHARED_OP();
    return atomic_load_explicit(&m->sleeping, memory_order_relaxed) &&
           atomic_exchange_explicit(&m->sleeping, 0, memory_order_relaxed);
}

struct message *mailbox_take(struct mailbox *m)
{
    SHARED_OP();
    return reversed(atomic_exchange_explicit(&m->head, NULL, memory_order_acquire));
}

void mailbox_announce_sleep(struct mailbox *m)
{
    SHARED_OP();
    atomic_store_explicit(&m->sleeping, 1, memory_order_relaxed);
    /* Pairs with the fence in mailbox_needs_wake: sleeping must be visible before the consumer looks a last time. */
    atomic_thread_fence(memory_order_seq_cst);
}

void mailbox_awake(struct mailbox *m)
{
    if (atomic_load_explicit(&m->sleeping, memory_order_relaxed))
        atomic_store_explicit(&m->sleeping, 0, memory_order_relaxed);
}
