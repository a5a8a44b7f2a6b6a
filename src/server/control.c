#include "src/server/control.h"

#include "src/base/mem.h"
#include "src/server/ask.h"
#include "src/server/config.h"
#include "src/server/server.h"
#include "src/server/worker.h"

struct control {
    struct control_state *newest;
    struct list waiting;            /* struct control_change */
    struct control_change *running; /* is being applied, or taken by the workers */
    struct control_state *next;     /* while it is being applied */
    bool applied;                   /* what apply has returned */
    bool looking;                   /* run_next is at it, further up the stack */
};

static struct control_state *state_create(const struct config *config)
{
    struct control_state *s = mem_zalloc(NULL, sizeof *s);
    atomic_init(&s->refs, 1);
    s->config = config_hold(config);
    s->expire_active = true;
    return s;
}

static struct control_state *state_copy(const struct control_state *from)
{
    struct control_state *s = state_create(from->config);
    s->pause = from->pause;
    s->pause_until_ms = from->pause_until_ms;
    s->expire_active = from->expire_active;
    return s;
}

const struct control_state *control_hold(const struct control_state *s)
{
    atomic_fetch_add_explicit(&((struct control_state *)s)->refs, 1, memory_order_relaxed);
    return s;
}

void control_release(const struct control_state *s)
{
    struct control_state *m = (struct control_state *)s;
    if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    config_release(m->config);
    mem_free(NULL, m);
}

struct control *control_create(const struct config *config)
{
    struct control *c = mem_zalloc(NULL, sizeof *c);
    c->newest = state_create(config);
    list_init(&c->waiting);
    return c;
}

void control_destroy(struct control *c)
{
    control_release(c->newest);
    mem_free(NULL, c);
}

const struct control_state *control_newest(const struct control *c) { return c->newest; }

static void run_next(struct worker *w0);

/* ---- A change goes round: every worker takes the newest state, then worker 0 tells home ---- */

static bool at_home(struct worker *w, struct ask *a, struct ask_part *part)
{
    struct control_change *change = a->arg;
    change->done(w, change);
    return true;
}

static void told_home(struct worker *w, struct ask *a) { ask_free(a); }

static bool take(struct worker *w, struct ask *a, struct ask_part *part)
{
    worker_take_control(w, control_hold(a->arg));
    return true;
}

static void all_have_taken(struct worker *w0, struct ask *a)
{
    struct control *c = w0->server->control;
    struct control_change *change = c->running;
    control_release(a->arg);
    ask_free(a);
    c->running = NULL;
    ask_one(w0, change->home, at_home, told_home, change);
    run_next(w0);
}

/* On a fiber: what has to be done for a change may take long. */
static void apply(void *arg)
{
    struct worker *w0 = arg;
    struct control *c = w0->server->control;
    c->applied = c->running->apply(w0, c->running, c->next);
}

static void applied(void *arg)
{
    struct worker *w0 = arg;
    struct control *c = w0->server->control;
    if (c->applied) {
        control_release(c->newest);
        c->newest = c->next;
        ask_workers(w0, take, all_have_taken, (void *)control_hold(c->next));
    } else {
        control_release(c->next);
        ask_one(w0, c->running->home, at_home, told_home, c->running);
        c->running = NULL;
    }
    c->next = NULL;
    run_next(w0);
}

static void run_next(struct worker *w0)
{
    struct control *c = w0->server->control;
    struct list *n;
    if (c->looking)
        return;
    c->looking = true;
    while (!c->running && (n = list_pop_front(&c->waiting))) {
        c->running = container_of(n, struct control_change, node);
        c->next = state_copy(c->newest);
        if (!worker_spawn(w0, apply, applied, w0)) { /* no memory for a stack: it has to do with this one */
            apply(w0);
            applied(w0);
        }
    }
    c->looking = false;
}

static bool enqueue(struct worker *w0, struct ask *a, struct ask_part *part)
{
    struct control_change *change = a->arg;
    list_push_back(&w0->server->control->waiting, &change->node);
    run_next(w0);
    return true;
}

void control_submit(struct worker *home, struct control_change *change)
{
    change->home = home->id;
    list_init(&change->node);
    ask_one(home, 0, enqueue, told_home, change);
}
