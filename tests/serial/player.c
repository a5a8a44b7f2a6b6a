#include "tests/serial/player.h"

#include "src/base/assert.h"
#include "tests/serial/chance.h"

enum { SPLIT_PERCENT = 15, HESITATE_PERCENT = 20, HARD_CLOSE_PERCENT = 50 };

void player_init(struct player *p, const struct transport *transport, void *world, uint16_t port,
                 _Atomic uint64_t *clock)
{
    *p = (struct player){.clock = clock};
    caller_init(&p->caller, transport, world, port);
    history_init(&p->replies);
}

void player_deinit(struct player *p)
{
    caller_close(&p->caller, false);
    history_clear(&p->replies);
}

static uint64_t tick(struct player *p) { return atomic_fetch_add(p->clock, 1) + 1; }

static void hesitate(struct player *p) { p->caller.transport->hesitate(p->caller.world); }

static void hang_up(struct player *p, bool hard)
{
    caller_close(&p->caller, hard);
    p->connection++;
    p->db = 0;
}

static void put_select(struct bytes *out, uint32_t db)
{
    char digit = (char)('0' + db);
    resp_put_command(out, 2, (struct slice[]){slice_str("SELECT"), slice_of(&digit, 1)});
}

/* Sends a pipeline, now and then in two pieces. */
static bool send_pipeline(struct player *p, struct op *const *ops, uint32_t n)
{
    struct bytes out = {0}, rest = {0};
    for (uint32_t i = 0, db = p->db; i < n; db = ops[i++]->db) {
        if (ops[i]->db != db)
            put_select(&out, ops[i]->db);
        resp_put_command(&out, ops[i]->argc, ops[i]->argv);
    }
    if (chance_percent(&p->random, SPLIT_PERCENT)) {
        size_t first = chance_below(&p->random, (uint32_t)out.len);
        bytes_put(&rest, out.ptr + first, out.len - first);
        out.len = first;
    }
    uint64_t now = tick(p);
    for (uint32_t i = 0; i < n; i++) {
        ops[i]->invoked = now;
        ops[i]->connection = p->connection;
    }
    bool good = caller_send(&p->caller, &out);
    if (good && rest.len) {
        hesitate(p);
        good = caller_send(&p->caller, &rest);
    }
    bytes_free(&out);
    bytes_free(&rest);
    return good;
}

static bool play_pipeline(struct player *p, struct op *const *ops, uint32_t n)
{
    if (!caller_connect(&p->caller) || !send_pipeline(p, ops, n))
        return false;
    if (ops[0]->hang_up) {
        hang_up(p, chance_percent(&p->random, HARD_CLOSE_PERCENT));
        return true;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct slice reply;
        if (ops[i]->db != p->db) {
            if (!caller_reply(&p->caller, &reply))
                return false;
            ASSERT(slice_eq(reply, slice_str("+OK\r\n")));
            p->db = ops[i]->db;
        }
        if (!caller_reply(&p->caller, &reply))
            return false;
        ops[i]->answered = tick(p);
        ops[i]->reply = history_copy(&p->replies, reply.ptr, reply.len);
    }
    return true;
}

void player_play(struct player *p, struct history *plan)
{
    struct op *ops[HISTORY_OPS_MAX];
    uint32_t n = 0;
    p->lost = false;
    for (uint32_t i = 0; i < plan->nops; i++)
        if (plan->ops[i].client == p->number)
            ops[n++] = &plan->ops[i];
    for (uint32_t first = 0, next; first < n && (!p->lost || p->goes_on); first = next) {
        for (next = first + 1; next < n && ops[next]->pipeline == ops[first]->pipeline; next++)
            ;
        if (chance_percent(&p->random, HESITATE_PERCENT))
            hesitate(p);
        if (!play_pipeline(p, ops + first, next - first)) {
            hang_up(p, false);
            p->lost = true;
        }
    }
}
