/* The simulated world: clock, randomness, tasks and the scheduler. Tasks are fibers; one runs at a time, until it
 * blocks. Time passes by a random bit with every turn and jumps to the next event when no task can go on. */
#include "src/io/sim.h"

#include <inttypes.h>

#include "src/base/assert.h"
#include "src/base/fiber.h"
#include "src/base/mem.h"
#include "src/base/shared.h"
#include "src/io/sim_world.h"

/* Address space: only what is used becomes resident. Sanitizers need more than a release build. */
enum { STACK_BYTES = 1 << 20 };

struct sim_task {
    struct list link;
    const char *name;
    enum sim_role role;
    struct fiber *fiber;
    sim_ready *ready; /* NULL: only the deadline counts */
    void *ready_arg;
    uint64_t deadline_ns;
    const char *waits_for;
};

static uint64_t or_default(uint64_t value, uint64_t otherwise) { return value ? value : otherwise; }

static uint32_t rate(uint32_t value, uint32_t otherwise)
{
    return value == SIM_NEVER ? 0 : (uint32_t)or_default(value, otherwise);
}

struct sim *sim_create(const struct sim_config *config)
{
    struct sim *sim = mem_zalloc(NULL, sizeof *sim);
    sim->config = (struct sim_config){
        .seed = config->seed,
        .delay_ns_max = (uint32_t)or_default(config->delay_ns_max, 200 * 1000),
        .step_ns_max = (uint32_t)or_default(config->step_ns_max, 2000),
        .pipe_bytes = (uint32_t)or_default(config->pipe_bytes, 64 * 1024),
        .short_rate = rate(config->short_rate, 200),
        .defer_rate = rate(config->defer_rate, 50),
        .accept_error_rate = rate(config->accept_error_rate, 20),
        .reset_rate = rate(config->reset_rate, 0),
        .switch_rate = rate(config->switch_rate, 100),
        .steps_max = or_default(config->steps_max, 20 * 1000 * 1000),
        .time_ns_max = or_default(config->time_ns_max, 3600 * UINT64_C(1000000000)),
    };
    sim->random_state = config->seed;
    sim->now_ns = or_default(config->begin_ns, 1000000000); /* 0 is no deadline that a worker could mean */
    sim->next_due_ns = UINT64_MAX;
    list_init(&sim->tasks);
    return sim;
}

static void end_task(struct sim_task *task)
{
    list_remove(&task->link);
    fiber_destroy(task->fiber);
    mem_free(NULL, task);
}

void sim_destroy(struct sim *sim)
{
    ASSERT(sim->current == NULL);
    while (!list_empty(&sim->tasks))
        end_task(container_of(sim->tasks.next, struct sim_task, link));
    sim_net_destroy(sim);
    mem_free(NULL, sim);
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014) */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t sim_random(struct sim *sim, uint64_t bound)
{
    ASSERT(bound > 0);
    sim->random_state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(sim->random_state) % bound;
}

bool sim_chance(struct sim *sim, uint32_t rate, uint32_t of) { return rate && sim_random(sim, of) < rate; }

void sim_record(struct sim *sim, uint64_t what, uint64_t detail)
{
    sim->trace = mix(sim->trace ^ mix(what * 31 + sim->now_ns) ^ detail);
}

uint64_t sim_trace(const struct sim *sim) { return sim->trace; }

uint64_t sim_now_ns(const struct sim *sim) { return sim->now_ns; }

/* --- Tasks --- */

void sim_spawn(struct sim *sim, enum sim_role role, const char *name, sim_task_fn *fn, void *arg)
{
    struct sim_task *task = mem_zalloc(NULL, sizeof *task);
    task->name = name;
    task->role = role;
    task->fiber = fiber_create(fn, arg, STACK_BYTES);
    ASSERT(task->fiber);
    task->waits_for = "its first turn";
    list_push_back(&sim->tasks, &task->link); /* deadline 0: can go on */
}

void sim_block(struct sim *sim, sim_ready *ready, void *arg, uint64_t deadline_ns, const char *what)
{
    struct sim_task *task = sim->current;
    ASSERT(sim_may_block(sim)); /* a worker's own fibers do not block the worker */
    task->ready = ready;
    task->ready_arg = arg;
    task->deadline_ns = deadline_ns;
    task->waits_for = what;
    fiber_yield();
}

bool sim_may_block(const struct sim *sim) { return sim->current && fiber_current() == sim->current->fiber; }

void sim_sleep_ns(struct sim *sim, uint64_t ns) { sim_block(sim, NULL, NULL, sim->now_ns + ns, "time"); }

void sim_yield(struct sim *sim) { sim_block(sim, NULL, NULL, 0, "nothing"); }

static bool can_go_on(const struct sim *sim, const struct sim_task *task)
{
    return task->deadline_ns <= sim->now_ns || (task->ready && task->ready(task->ready_arg));
}

/* --- The scheduler --- */

static struct sim_task *choose(struct sim *sim)
{
    struct sim_task *chosen = NULL;
    uint64_t candidates = 0;
    for (struct list *l = sim->tasks.next; l != &sim->tasks; l = l->next) {
        struct sim_task *task = container_of(l, struct sim_task, link);
        if (can_go_on(sim, task) && sim_random(sim, ++candidates) == 0)
            chosen = task; /* each with the same probability */
    }
    return chosen;
}

/* False if nothing will ever happen. */
static bool jump_to_next_event(struct sim *sim)
{
    uint64_t next = sim->next_due_ns;
    for (struct list *l = sim->tasks.next; l != &sim->tasks; l = l->next) {
        struct sim_task *task = container_of(l, struct sim_task, link);
        if (task->deadline_ns < next)
            next = task->deadline_ns;
    }
    if (next == UINT64_MAX)
        return false;
    if (next > sim->now_ns)
        sim->now_ns = next;
    return true;
}

static bool any_left(const struct sim *sim, bool workers_too)
{
    for (struct list *l = sim->tasks.next; l != &sim->tasks; l = l->next)
        if (workers_too || container_of(l, struct sim_task, link)->role == SIM_CLIENT)
            return true;
    return false;
}

static void take_turn(struct sim *sim, struct sim_task *task)
{
    sim->now_ns += sim_random(sim, sim->config.step_ns_max);
    sim_record(sim, 1, (uint64_t)(unsigned char)task->name[0] + ++sim->steps);
    sim->current = task;
    fiber_resume(task->fiber);
    sim->current = NULL;
    if (fiber_done(task->fiber))
        end_task(task);
}

static enum sim_end run(struct sim *sim, bool workers_too)
{
    uint64_t steps_end = sim->steps + sim->config.steps_max;
    uint64_t time_end = sim->now_ns + sim->config.time_ns_max;
    while (any_left(sim, workers_too)) {
        sim_net_deliver(sim);
        struct sim_task *task = choose(sim);
        if (task)
            take_turn(sim, task);
        else if (!jump_to_next_event(sim))
            return SIM_DEADLOCK;
        if (sim->crashed)
            return SIM_CRASHED;
        if (sim->steps >= steps_end || sim->now_ns >= time_end)
            return SIM_LIMIT;
    }
    return SIM_DONE;
}

#ifdef SKUA_SIM_POINTS
/* shared_op_hook has no argument: the world that runs on this thread. */
static _Thread_local struct sim *running;

static void on_shared_op(void)
{
    struct sim *sim = running;
    if (sim && sim_may_block(sim) && sim_chance(sim, sim->config.switch_rate, 1000))
        sim_yield(sim);
}
#endif

static enum sim_end run_hooked(struct sim *sim, bool workers_too)
{
#ifdef SKUA_SIM_POINTS
    running = sim;
    shared_op_hook = on_shared_op;
#endif
    enum sim_end end = run(sim, workers_too);
#ifdef SKUA_SIM_POINTS
    shared_op_hook = NULL;
    running = NULL;
#endif
    if (end == SIM_DEADLOCK || end == SIM_LIMIT) {
        fprintf(stderr, "sim: %s\n", end == SIM_DEADLOCK ? "deadlock" : "limit reached");
        sim_describe(sim, stderr);
    }
    return end;
}

enum sim_end sim_run(struct sim *sim) { return run_hooked(sim, false); }

enum sim_end sim_finish(struct sim *sim) { return run_hooked(sim, true); }

void sim_describe(struct sim *sim, FILE *out)
{
    fprintf(out, "seed %" PRIu64 ", %" PRIu64 " steps, %" PRIu64 " ns\n", sim->config.seed, sim->steps, sim->now_ns);
    for (struct list *l = sim->tasks.next; l != &sim->tasks; l = l->next) {
        struct sim_task *task = container_of(l, struct sim_task, link);
        fprintf(out, "task %s waits for %s%s", task->name, task->waits_for, can_go_on(sim, task) ? ", can go on" : "");
        if (task->deadline_ns && task->deadline_ns != UINT64_MAX)
            fprintf(out, ", at most until %" PRIu64, task->deadline_ns);
        fputc('\n', out);
    }
    sim_net_describe(sim, out);
}
