/* Servers that die: a whole server with its append-only file on a disk in memory (src/io/sim_disk.h) is given random
 * commands by several clients, while its policy changes, the file is turned off and on, and the disk fails now and
 * then. At a random change of the disk (a write, a sync, a rename, an unlink, a directory's sync, also in the middle of
 * starting or of writing a base) the process is killed, or the machine crashes and takes any part of what was not
 * synced. Then a server with another number of workers starts on what is left, and so on, several lives long. It has to
 * hold that
 *  - each server starts;
 *  - what it has loaded is the state after some batch of the past (past.h), so over all shards, and with every
 *    transaction whole;
 *  - nothing is missing that replies have promised (promise.h), those of reads included;
 *  - each reply is right at some point between its request and itself (crowd.h), and at the end of a life the data is
 *    what the journal makes of it, so what a server does is what the journal says.
 * Of one crash several outcomes are looked at.
 *
 *   crash_sim [--worlds N] [--seed N]
 *
 * A world that fails is run again with --worlds 1 --seed N, and SKUA_SHOW_LOG=1 in the environment to see what its
 * servers log. Each runs in a process of its own, as servers that have died cannot be taken down. A run of the usual
 * length or more first shows that bugs are found, by worlds whose server has one (planted.h). The last line says how
 * much was done, for tests/run. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "persist/journal.h"
#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/io/sim_disk.h"
#include "src/server/aof.h"
#include "src/server/loading.h"
#include "src/server/worker.h"
#include "tests/serial/chance.h"
#include "tests/sim/crowd.h"
#include "tests/sim/planted.h"
#include "tests/sim/promise.h"
#include "tests/sim/scribe.h"
#include "tests/sim/world.h"

enum {
    WORLDS_USUAL = 1000,
    LIVES_MAX = 4,
    OUTCOMES_MAX = 3,
    OPS_MAX = 50,           /* of a client, in one life */
    CHANGES_START = 30,     /* of the disk, while a server starts: about as many as there are */
    CHANGES_MAX = 250,      /* in one life; it may be over before */
    LARGE_BYTES_MAX = 9000, /* of values, in worlds that have large ones: some pages of the disk */
    COVERED_WORLDS_MIN = 200,
};

static const uint64_t MS = 1000 * 1000, SECOND = 1000 * MS;

/* How the last server ended. */
enum death { UNBORN, KILLED, CRASHED };

struct trial {
    struct random random;
    struct scribe scribe;
    struct promises promises;
    struct disk *disk;
    enum death death;
    bool exact; /* it had stopped well: nothing may be missing */
    uint32_t lives;
    uint64_t now_ns; /* worlds go on where the one before has ended */
    bool failed;

    /* Of the present life. */
    struct world world;
    struct aof *aof;
    struct crowd crowd;
    bool looks_only;  /* at what is there, and changes nothing for the next life */
    bool known;       /* what was loaded */
    enum guard guard; /* of the policy that it starts with */
    uint64_t crash_before;
};

/* Of all worlds; shared by their processes. */
static struct totals {
    uint64_t worlds, lives, kills, crashes, ends, lost, replies, checked, bases, turns, faults, deaths_at_start;
} * totals;

static const char *const policies[] = {
    [JOURNAL_EVERYSEC] = "everysec", [JOURNAL_ALWAYS] = "always", [JOURNAL_NO] = "no"};

static enum guard guard_of(enum journal_policy policy)
{
    static const enum guard guards[] = {
        [JOURNAL_EVERYSEC] = GUARD_WINDOW, [JOURNAL_ALWAYS] = GUARD_ALL, [JOURNAL_NO] = GUARD_NONE};
    return guards[policy];
}

static bool shows_log(void) { return getenv("SKUA_SHOW_LOG") != NULL; }

/* ---- What has been loaded ---- */

/* Holds what the server has found against the past, which ends there from now on. */
static bool check_loaded(struct trial *t)
{
    struct past_state found;
    const struct past *past = &t->scribe.past;
    crowd_read_state(&t->crowd, &found);
    uint32_t item = scribe_find(&t->scribe, &found, crowd_now_ms(&t->crowd)), last = past_last(past);
    if (item == UINT32_MAX || !promises_kept(&t->promises, past, item))
        return false;
    if (t->exact && item != last) {
        fprintf(stderr, "only items up to %u of %u are there, though it had stopped well\n", item, last);
        return false;
    }
    if (t->looks_only)
        return true;
    totals->lost += last - item;
    scribe_go_on(&t->scribe, item, &found);
    promises_end(&t->promises, item);
    t->exact = false;
    t->known = true;
    return true;
}

/* ---- What happens to a server meanwhile ---- */

static void sleep_up_to(struct trial *t, uint64_t ns) { sim_sleep_ns(t->world.sim, sim_random(t->world.sim, ns)); }

static void change_policy(struct trial *t)
{
    char text[64];
    enum journal_policy policy = (enum journal_policy)chance_below(&t->random, 3);
    snprintf(text, sizeof text, "CONFIG SET appendfsync %s", policies[policy]);
    promises_policy_changes(&t->promises, guard_of(policy), sim_now_ns(t->world.sim));
    ASSERT(crowd_command(&t->world, text));
    promises_policy_changed(&t->promises, guard_of(policy));
}

static bool expires_soon(const struct past_state *state, int64_t now_ms)
{
    enum { SOON_MS = 1000 };
    for (uint32_t i = 0; i < PAST_CELLS; i++) {
        int64_t deadline_ms = state->cells[i].value ? state->cells[i].deadline_ms : -1;
        if (deadline_ms >= 0 && deadline_ms < now_ms + SOON_MS)
            return true;
    }
    return false;
}

/* Once no key expires in the next moments: what does while nothing is journalled goes unseen. */
static void read_calm_state(struct trial *t, struct past_state *state)
{
    for (crowd_read_state(&t->crowd, state); expires_soon(state, crowd_now_ms(&t->crowd));
         crowd_read_state(&t->crowd, state))
        sim_sleep_ns(t->world.sim, SECOND);
}

/* Turns the file off, lets clients go on unseen, and turns it on again, which writes a base. */
static void turn_off_and_on(struct trial *t)
{
    struct past_state state;
    crowd_pause(&t->crowd);
    ASSERT(crowd_command(&t->world, "CONFIG SET appendonly no"));
    /* What a bad disk has left unsynced stays so: it is turned off all the same, and the log says what is lacking. */
    if (!t->promises.disk_hangs && !t->promises.disk_faults)
        promises_keep(&t->promises, past_last(&t->scribe.past));
    t->crowd.untracked = true;
    crowd_resume(&t->crowd);
    sleep_up_to(t, t->crowd.sleep_ns_max * 4);
    crowd_pause(&t->crowd);
    read_calm_state(t, &state);
    past_jump(&t->scribe.past, sim_now_ns(t->world.sim), &state);
    ASSERT(crowd_command(&t->world, "CONFIG SET appendonly yes"));
    promises_keep(&t->promises, past_last(&t->scribe.past));
    t->crowd.untracked = false;
    crowd_resume(&t->crowd);
    totals->turns++;
}

static struct sim_disk_config usual_disk(struct trial *t)
{
    return (struct sim_disk_config){
        .short_rate = chance_percent(&t->random, 50) ? chance_below(&t->random, 300) : 0,
        .sync_ns_max = chance_percent(&t->random, 30) ? chance_between(&t->random, 1, 50) * MS : 0,
        .crash_before = t->crash_before,
    };
}

/* The disk is bad for a while. A server whose sync has failed needs a fresh base; clients may wait for it. */
static void break_disk(struct trial *t)
{
    struct sim_disk_config config = usual_disk(t);
    switch (chance_below(&t->random, 3)) {
    case 0:
        config.sync_error_rate = chance_percent(&t->random, 50) ? 1000 : 300;
        t->promises.disk_hangs = true;
        break;
    case 1:
        config.write_error_rate = config.full_rate = 300;
        t->promises.disk_faults = true;
        break;
    case 2:
        config.hang_rate = 500;
        t->promises.disk_hangs = true;
    }
    sim_disk_configure(t->disk, &config);
    sleep_up_to(t, chance_percent(&t->random, 50) ? 4 * SECOND : 100 * MS);
    config = usual_disk(t);
    sim_disk_configure(t->disk, &config);
    totals->faults++;
}

static void do_something(struct trial *t)
{
    uint32_t luck = chance_below(&t->random, 100);
    if (luck < 50)
        change_policy(t);
    else if (luck < 80)
        turn_off_and_on(t);
    else
        break_disk(t);
}

/* ---- A life ---- */

/* False: the server does not start. */
static bool wait_until_ready(struct trial *t)
{
    struct caller c;
    struct slice reply;
    bool ready = false;
    caller_init(&c, &world_transport, &t->world, WORLD_PORT);
    while (!ready && !t->world.server->failed) {
        ready = caller_connect(&c) && caller_command(&c, "PING", &reply) && slice_eq(reply, slice_str("+PONG\r\n"));
        if (!ready)
            caller_close(&c, false);
        sleep_up_to(t, MS);
    }
    caller_close(&c, false);
    return ready;
}

static void begin_crowd(struct trial *t)
{
    bool slow = chance_percent(&t->random, 30);
    t->crowd.life = t->lives;
    t->crowd.ops_max = OPS_MAX;
    t->crowd.sleep_ns_max = slow ? SECOND : 5 * MS;
    t->crowd.filler_bytes_max = chance_percent(&t->random, 30) ? LARGE_BYTES_MAX : 30;
    crowd_begin(&t->crowd, &t->random, chance_between(&t->random, 1, CROWD_MAX));
}

/* The data is what the journal makes of it. */
static bool check_end(struct trial *t)
{
    struct past_state state;
    crowd_pause(&t->crowd);
    crowd_read_state(&t->crowd, &state);
    int64_t now_ms = crowd_now_ms(&t->crowd);
    const struct past_state *journalled = &t->scribe.past.items[past_last(&t->scribe.past)].state;
    if (past_equal(&state, journalled, now_ms))
        return true;
    fprintf(stderr, "what is there is not what is journalled; it is, and should be:\n");
    past_print_difference(&t->scribe.past, &state, journalled, now_ms);
    return false;
}

static void life_task(void *arg)
{
    struct trial *t = arg;
    if (!wait_until_ready(t) || !check_loaded(t)) {
        t->failed = true;
        return;
    }
    promises_policy_changed(&t->promises, t->guard);
    if (t->looks_only)
        return;
    begin_crowd(t);
    for (uint32_t n = chance_below(&t->random, 4); n > 0 && t->crowd.left > 0; n--) {
        sleep_up_to(t, t->crowd.sleep_ns_max * 4);
        do_something(t);
    }
    while (t->crowd.left > 0)
        sim_sleep_ns(t->world.sim, MS);
    t->failed = !t->crowd.failed && !t->scribe.failed && !check_end(t);
}

static void create_world(struct trial *t)
{
    struct sim_config sim = {
        .seed = random_u64(&t->random),
        .begin_ns = t->now_ns + random_below(&t->random, SECOND),
        .reset_rate = chance_percent(&t->random, 20) ? 2000 : 0,
        .switch_rate = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 500) : 0,
        .delay_ns_max = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 1000 * 1000) : 0,
    };
    if (chance_percent(&t->random, 10)) /* workers so slow that others take their shards back */
        sim.step_ns_max = chance_between(&t->random, 10 * 1000, 300 * 1000);
    world_create(&t->world, &sim, chance_between(&t->random, 1, WORLD_WORKERS_MAX));
    struct config *config = t->world.config;
    config->pipeline_order = chance_percent(&t->random, 50) ? PIPELINE_ORDER_STRICT : PIPELINE_ORDER_RELAXED;
    config->loglevel = shows_log() ? LOG_LEVEL_NOTICE : LOG_LEVEL_NOTHING;
    config->appendonly = true;
    config->appendfsync = (int)chance_below(&t->random, 3);
    config->aof_timestamp_enabled = chance_percent(&t->random, 30);
    t->guard = guard_of((enum journal_policy)config->appendfsync);
}

/* The disk of this life: as the last one has left it. */
static void find_disk(struct trial *t)
{
    t->crash_before = 0;
    if (!t->looks_only && chance_percent(&t->random, 75))
        t->crash_before = chance_between(&t->random, 1, chance_percent(&t->random, 30) ? CHANGES_START : CHANGES_MAX);
    struct sim_disk_config config = usual_disk(t);
    switch (t->death) {
    case UNBORN:
        t->disk = sim_disk_create(t->world.sim, &config);
        break;
    case KILLED:
        sim_disk_move(t->disk, t->world.sim, &config);
        break;
    case CRASHED:
        t->disk = sim_disk_crash(t->disk, t->world.sim, &config);
    }
}

static bool has_crashed(const struct trial *t)
{
    return t->crash_before > 0 && sim_disk_changes(t->disk) >= t->crash_before;
}

/* Makes the server as main does. False: it must not start, or has died. */
static bool start_server(struct trial *t)
{
    char error[AOF_ERROR_BYTES];
    uint64_t seed;
    t->aof = aof_open(t->world.config, t->disk, disk_open(t->disk, DISK_CWD, ".", DISK_DIRECTORY), error);
    if (!t->aof) {
        fprintf(stderr, "the server refuses to start: %s\n", error);
        t->failed = true;
        return false;
    }
    if (!aof_hash_seed(t->aof, &seed) || chance_percent(&t->random, 10))
        seed = random_u64(&t->random);
    world_serve(&t->world, seed);
    bool good = aof_attach(t->aof, t->world.server, error);
    if (!good && !has_crashed(t)) {
        fprintf(stderr, "the server refuses to start: %s\n", error);
        t->failed = true;
    }
    return good;
}

/* Runs a server until it has died or its clients are done. False if something is wrong. */
static bool live(struct trial *t)
{
    t->known = false;
    t->crowd = (struct crowd){.world = &t->world, .past = &t->scribe.past, .promises = &t->promises};
    create_world(t);
    find_disk(t);
    if (!start_server(t))
        return !t->failed;
    scribe_attach(&t->scribe, t->world.sim, journal_sink(t->world.server->journal));
    sim_spawn(t->world.sim, SIM_CLIENT, "life", life_task, t);
    enum sim_end end = sim_run(t->world.sim);
    if (t->world.server->failed && !has_crashed(t))
        fprintf(stderr, "the server does not start\n");
    totals->replies += t->crowd.replies;
    totals->checked += t->crowd.checked;
    totals->bases += aof_info(t->world.server, sim_now_ns(t->world.sim)).rewrites;
    totals->deaths_at_start += end == SIM_CRASHED && !t->known;
    return !t->failed && !t->crowd.failed && !t->scribe.failed && (end == SIM_CRASHED || end == SIM_DONE);
}

/* ---- Its end ---- */

/* What has failed to be synced is lost at some time, and a server that is killed before it has written a fresh base
 * can't tell the next one. */
static bool may_lose(const struct trial *t) { return t->world.server && journal_needs_base(t->world.server->journal); }

/* As a signal does it; the only end after which there is nothing left of it. False: something is wrong, or it has died
 * all the same. */
static bool stop_well(struct trial *t)
{
    bool good = world_end(&t->world) && aof_finish(t->aof);
    t->now_ns = sim_now_ns(t->world.sim);
    if (!good)
        return false;
    aof_close(t->aof);
    if (t->world.server->loading)
        loading_free(t->world.server->loading);
    world_deinit(&t->world);
    promises_keep(&t->promises, past_last(&t->scribe.past));
    t->exact = true;
    totals->ends++;
    return true;
}

static bool die(struct trial *t)
{
    bool kill_it = !may_lose(t) && chance_percent(&t->random, 40);
    bool stop_it = !may_lose(t) && t->known && !has_crashed(t) && chance_percent(&t->random, 50);
    t->now_ns = sim_now_ns(t->world.sim);
    if (stop_it && !stop_well(t) && !has_crashed(t)) {
        fprintf(stderr, "the server does not stop well\n");
        return false;
    }
    crowd_free(&t->crowd);
    scribe_detach(&t->scribe, false);
    t->death = kill_it ? KILLED : CRASHED;
    promises_died(&t->promises, !kill_it, t->now_ns);
    totals->kills += kill_it;
    totals->crashes += !kill_it;
    totals->lives++;
    return true;
}

/* What else the last crash may have left. */
static bool look_at_outcomes(struct trial *t)
{
    struct disk *disk = t->disk;
    t->looks_only = true;
    bool good = true;
    for (uint32_t n = t->death == CRASHED ? chance_below(&t->random, OUTCOMES_MAX) : 0; n > 0 && good; n--) {
        good = live(t);
        scribe_detach(&t->scribe, true);
        t->disk = disk;
    }
    t->looks_only = false;
    return good;
}

/* The last life only looks. */
static bool run_trial(struct trial *t, uint64_t seed)
{
    uint32_t lives = (random_init(&t->random, seed), chance_between(&t->random, 1, LIVES_MAX));
    scribe_init(&t->scribe);
    t->now_ns = SECOND;
    for (t->lives = 0; t->lives < lives; t->lives++)
        if (!look_at_outcomes(t) || !live(t) || !die(t))
            return false;
    t->looks_only = true;
    return live(t);
}

static bool run_world(uint64_t seed)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        _exit(run_trial(mem_zalloc(NULL, sizeof(struct trial)), seed) ? 0 : 1);
    }
    ASSERT(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        fprintf(stderr, "killed by signal %d\n", WTERMSIG(status));
    totals->worlds++;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const struct planted planted[] = {
    {PLANTED_REPLY_EARLY, "a reply does not wait for the journal"},
    {PLANTED_READ_EARLY, "a read's reply does not wait for the write it read"},
    {PLANTED_HELD_UNQUEUED, "a shard is held before its batch is queued"},
    {PLANTED_BATCHES_SWAPPED, "batches are taken out of order"},
    {PLANTED_SYNCED_EARLY, "what a sync does not cover counts as synced"},
    {PLANTED_OLD_FILE_UNSYNCED, "a start appends to a new file while the old one is not synced"},
    {PLANTED_EXPIRY_LOADING, "keys expire while they are loaded"},
    {PLANTED_NAMES_UNSYNCED, "a directory is not synced"},
};

/* Each kind of thing has happened. */
static bool is_covered(void)
{
    return totals->worlds < COVERED_WORLDS_MIN ||
           (totals->kills && totals->crashes && totals->ends && totals->lost && totals->bases && totals->turns &&
            totals->faults && totals->deaths_at_start);
}

int main(int argc, char **argv)
{
    uint64_t seed, worlds;
    if (!worlds_wanted(argc, argv, WORLDS_USUAL, &seed, &worlds))
        return 2;
    totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(totals != MAP_FAILED);
    world_prepare();
    if (shows_log())
        log_init("", LOG_LEVEL_NOTICE);
    bool good =
        worlds < WORLDS_USUAL || planted_all_found(planted, sizeof planted / sizeof planted[0], run_world, seed);
    *totals = (struct totals){0};
    good = good && worlds_run(run_world, seed, worlds);
    printf("%" PRIu64 " lives, %" PRIu64 " ended by a kill, %" PRIu64 " by a crash (%" PRIu64
           " after a good end, %" PRIu64 " while starting), %" PRIu64 " bases, %" PRIu64 " times off and on, %" PRIu64
           " faults, %" PRIu64 " batches lost, %" PRIu64 " replies, %" PRIu64 " with a promise\n",
           totals->lives, totals->kills, totals->crashes, totals->ends, totals->deaths_at_start, totals->bases,
           totals->turns, totals->faults, totals->lost, totals->replies, totals->checked);
    if (good && !is_covered()) {
        fprintf(stderr, "not everything has happened\n");
        good = false;
    }
    printf("crash_sim cases=%" PRIu64 " seeds=%" PRIu64 "\n", totals->lives, totals->worlds);
    return good ? 0 : 1;
}
