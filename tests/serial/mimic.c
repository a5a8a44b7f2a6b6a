#include "tests/serial/mimic.h"

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "tests/serial/model.h"

struct mimic {
    struct history *h;
    struct random *random;
    struct model model;
    uint32_t store[HISTORY_CELLS_MAX];
    uint64_t clock;
    bool *done;                        /* by operation: it has happened */
    uint32_t sent[MIMIC_CLIENTS_MAX];  /* operations from here on are not sent */
    uint32_t heard[MIMIC_CLIENTS_MAX]; /* operations from here on are not answered */
};

/* The client's first operation at or after from, or nops. */
static uint32_t next_of(const struct history *h, uint32_t client, uint32_t from)
{
    while (from < h->nops && h->ops[from].client != client)
        from++;
    return from;
}

static bool send_next(struct mimic *m, uint32_t client)
{
    struct history *h = m->h;
    uint32_t i = next_of(h, client, m->sent[client]);
    if (i == h->nops || next_of(h, client, m->heard[client]) < i) /* nothing left, or not all answered */
        return false;
    uint32_t pipeline = h->ops[i].pipeline;
    m->clock++;
    for (; i < h->nops && h->ops[i].pipeline == pipeline; i = next_of(h, client, i + 1))
        h->ops[i].invoked = m->clock;
    m->sent[client] = i;
    return true;
}

static bool may_happen(const struct mimic *m, uint32_t i)
{
    if (m->done[i])
        return false;
    for (uint32_t a = 0; a < i; a++)
        if (!m->done[a] && history_in_order(m->h, &m->h->ops[a], &m->h->ops[i]))
            return false;
    return true;
}

/* Lets one of the operations that the client has sent happen. */
static bool run_one(struct mimic *m, uint32_t client)
{
    struct history *h = m->h;
    uint32_t choice[HISTORY_OPS_MAX], n = 0;
    for (uint32_t i = next_of(h, client, 0); i < m->sent[client] && i < h->nops; i = next_of(h, client, i + 1))
        if (may_happen(m, i))
            choice[n++] = i;
    if (n == 0)
        return false;
    struct op *op = &h->ops[choice[chance_below(m->random, n)]];
    struct slice reply = model_apply(&m->model, op, m->store);
    op->reply = history_copy(h, reply.ptr, reply.len);
    m->done[op - h->ops] = true;
    return true;
}

static bool answer_next(struct mimic *m, uint32_t client)
{
    uint32_t i = next_of(m->h, client, m->heard[client]);
    if (i >= m->sent[client] || i == m->h->nops || !m->done[i])
        return false;
    m->h->ops[i].answered = ++m->clock;
    m->heard[client] = i + 1;
    return true;
}

void mimic_play(struct history *plan, struct random *random, uint32_t last)
{
    struct mimic m = {.h = plan, .random = random, .done = mem_zalloc(NULL, plan->nops + 1)};
    model_init(&m.model);
    for (;;) {
        uint32_t active[MIMIC_CLIENTS_MAX], n = 0;
        for (uint32_t c = 0; c < MIMIC_CLIENTS_MAX; c++)
            if (c != last && next_of(plan, c, m.heard[c]) < plan->nops)
                active[n++] = c;
        if (n == 0 && next_of(plan, last, m.heard[last]) < plan->nops)
            active[n++] = last;
        if (n == 0)
            break;
        uint32_t c = active[chance_below(random, n)];
        switch (chance_below(random, 3)) {
        case 0:
            send_next(&m, c);
            break;
        case 1:
            run_one(&m, c);
            break;
        default:
            answer_next(&m, c);
            break;
        }
    }
    model_deinit(&m.model);
    mem_free(NULL, m.done);
}
