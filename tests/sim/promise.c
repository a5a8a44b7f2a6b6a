#include "tests/sim/promise.h"

#include <inttypes.h>
#include <stdio.h>

#include "src/base/mem.h"

enum { SHOWN_ITEMS = 10 };

void promises_free(struct promises *p) { mem_free(NULL, p->list); }

/* What nobody syncs any more, because of the new policy, is no longer sure to be on disk within the window. */
static void weaken(struct promises *p, enum guard guard, uint64_t now_ns)
{
    for (uint32_t i = p->n; guard == GUARD_NONE && i-- > 0 && p->list[i].ns + PROMISE_WINDOW_NS > now_ns;)
        if (p->list[i].guard == GUARD_WINDOW)
            p->list[i].guard = GUARD_NONE;
}

void promises_policy_changes(struct promises *p, enum guard guard, uint64_t now_ns)
{
    p->generation++;
    p->guard = guard < p->guard ? guard : p->guard;
    weaken(p, guard, now_ns);
}

void promises_policy_changed(struct promises *p, enum guard guard)
{
    p->generation++;
    p->guard = guard;
}

void promises_add(struct promises *p, uint32_t item, uint32_t generation, uint64_t now_ns)
{
    enum guard guard = generation == p->generation ? p->guard : GUARD_NONE;
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->list = mem_realloc(NULL, p->list, p->cap * sizeof p->list[0]);
    }
    p->list[p->n++] = (struct promise){item, guard, now_ns};
}

void promises_keep(struct promises *p, uint32_t item) { p->floor = item > p->floor ? item : p->floor; }

void promises_died(struct promises *p, bool machine, uint64_t now_ns)
{
    if (!p->died)
        p->died_ns = now_ns;
    p->died = true;
    p->crashed = p->crashed || machine;
}

static bool is_due(const struct promises *p, const struct promise *promise)
{
    if (!p->crashed || promise->guard == GUARD_ALL)
        return true;
    return promise->guard == GUARD_WINDOW && !p->disk_hangs && !p->disk_faults &&
           promise->ns + PROMISE_WINDOW_NS <= p->died_ns;
}

/* What is lost was told before the server noticed for how long it had not been synced. */
static bool is_late(const struct promises *p, const struct promise *promise, const struct past *past, uint32_t item)
{
    return promise->guard >= GUARD_WINDOW && !p->disk_faults &&
           promise->ns > past->items[item + 1].queued_ns + PROMISE_WINDOW_NS;
}

bool promises_kept(const struct promises *p, const struct past *past, uint32_t item)
{
    if (item < p->floor) {
        fprintf(stderr, "there is nothing behind item %u, but %u was on disk\n", item, p->floor);
        return false;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        const struct promise *promise = &p->list[i];
        if (promise->item <= item || !(is_due(p, promise) || is_late(p, promise, past, item)))
            continue;
        fprintf(stderr,
                "there is nothing behind item %u, but a reply told of %u at %" PRIu64 " us, under guard %d; it died at "
                "%" PRIu64 " us%s\n",
                item, promise->item, promise->ns / 1000, (int)promise->guard, p->died_ns / 1000,
                p->crashed ? " with the machine" : "");
        past_print(past, item > SHOWN_ITEMS ? item - SHOWN_ITEMS : 0, promise->item);
        return false;
    }
    return true;
}

void promises_end(struct promises *p, uint32_t item)
{
    p->n = 0;
    p->floor = item;
    p->died = p->crashed = p->disk_hangs = p->disk_faults = false;
}
