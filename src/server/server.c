#include "src/server/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/server/aof.h"
#include "src/server/ask.h"
#include "src/server/client.h"
#include "src/server/config.h"
#include "src/server/control.h"
#include "src/server/listen.h"
#include "src/server/loading.h"
#include "src/server/option.h"
#include "src/server/shutdown.h"
#include "src/server/worker.h"

/* ---- Making and ending ---- */

static void make_run_id(char out[static RUN_ID_BYTES + 1])
{
    unsigned char bytes[RUN_ID_BYTES / 2];
    ASSERT(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

struct server *server_create(const struct config *config, uint32_t nworkers, struct io **io, uint64_t hash_seed)
{
    struct server *s = mem_zalloc(NULL, sizeof *s);
    mem_count_thread(&s->main_memory);
    s->nworkers = nworkers;
    s->directory = -1;
    s->hash_seed = hash_seed;
    s->databases = (uint32_t)config->databases;
    s->control = control_create(config);
    s->not_built_logged = mem_zalloc(NULL, command_count() * sizeof *s->not_built_logged);
    s->options_noted = mem_zalloc(NULL, options_count * sizeof *s->options_noted);
    s->load = mem_alloc_aligned(NULL, 64, nworkers * sizeof *s->load);
    memset(s->load, 0, nworkers * sizeof *s->load);
    s->workers = mem_zalloc(NULL, nworkers * sizeof(struct worker *));
    s->shards = mem_zalloc(NULL, nworkers * sizeof(struct shard *));
    lanes_init(&s->lanes, nworkers);
    make_run_id(s->run_id);
    s->started_ms = io_wall_us(io[0]) / 1000;
    s->started_ns = io_now_ns(io[0]);
    atomic_init(&s->stats_since_ms, s->started_ms);
    for (uint32_t i = 0; i < nworkers; i++) {
        s->workers[i] = mem_alloc_aligned(NULL, 64, sizeof(struct worker));
        memset(s->workers[i], 0, sizeof(struct worker));
        worker_init(s->workers[i], s, i, io[i]);
        worker_take_control(s->workers[i], control_hold(control_newest(s->control)));
        s->shards[i] = &s->workers[i]->shard;
    }
    s->startup_memory = (int64_t)server_memory_used(s);
    return s;
}

void server_destroy(struct server *s)
{
    mem_count_thread(NULL); /* the account goes with the server, or, in the simulator, with one of its workers */
    for (uint32_t i = 0; i < s->nworkers; i++) {
        worker_deinit(s->workers[i]);
        mem_free(NULL, s->workers[i]);
    }
    lanes_deinit(&s->lanes);
    control_destroy(s->control);
    mem_free(NULL, s->workers);
    mem_free(NULL, s->shards);
    mem_free(NULL, s->load);
    mem_free(NULL, s->not_built_logged);
    mem_free(NULL, s->options_noted);
    mem_free(NULL, s);
}

/* ---- The beginning ---- */

/* The lines that scripts wait for, as Redis writes them: one a kind of socket. */
void server_ready(struct worker *w)
{
    const struct config *config = w->config;
    uint32_t workers = w->server->nworkers;
    log_write(LOG_LEVEL_NOTICE, "Running mode=standalone, port=%d, %u worker%s.", (int)config->port, workers,
              workers == 1 ? "" : "s");
    if (config->port != 0)
        log_write(LOG_LEVEL_NOTICE, "Ready to accept connections tcp");
    if (config->unixsocket[0])
        log_write(LOG_LEVEL_NOTICE, "Ready to accept connections unix");
}

void server_started(struct worker *w)
{
    if (w->server->listeners)
        listeners_start(w->server->listeners, w);
    if (w->server->loading)
        loading_start(w);
    else
        server_ready(w);
}

/* ---- The end ---- */

/* First every worker sees its clients out. What they have under way may need any shard, so all loops go on until the
 * last client is gone; only then are they told to end, worker 0 last, when nothing can be on its way to it. */

static bool see_clients_out(struct worker *w, struct ask *a, struct ask_part *part)
{
    w->stopping = true;
    clients_stop(w);
    return true;
}

static void all_stopping(struct worker *home, struct ask *a)
{
    home->server->all_stopping = true;
    ask_free(a);
}

void server_stop(struct worker *w)
{
    if (atomic_exchange(&w->server->stopping, true))
        return;
    if (w->server->listeners)
        listeners_stop(w->server->listeners);
    ask_workers(w, see_clients_out, all_stopping, NULL);
}

void server_fail(struct worker *w)
{
    w->server->failed = true;
    server_stop(w);
}

static bool end_worker(struct worker *w, struct ask *a, struct ask_part *part)
{
    w->ended = w->id != 0;
    return true;
}

static void all_ended(struct worker *w0, struct ask *a)
{
    ask_free(a);
    w0->ended = true;
}

static void end_if_empty(struct worker *w0)
{
    struct server *s = w0->server;
    if (s->ending || !s->all_stopping || atomic_load_explicit(&s->nclients, memory_order_acquire) > 0)
        return;
    if ((s->loading && !loading_is_over(s->loading)) || (s->aof && !aof_is_idle(s->aof)))
        return;
    s->ending = true;
    ask_workers(w0, end_worker, all_ended, NULL);
}

/* ---- New connections ---- */

static void refuse(struct server *s, struct client *c, const char *error)
{
    /* As Redis: one attempt; whoever does not get it finds the connection closed. */
    (void)!write(c->conn.fd, error, strlen(error));
    close(c->conn.fd);
    client_discard(c);
    atomic_fetch_add_explicit(&s->clients_rejected, 1, memory_order_relaxed);
}

/* Protected mode: no password, and no loopback address. Redis's text. */
static bool is_protected_from(const struct config *config, const struct client *c)
{
    return config->protected_mode && config->requirepass[0] == '\0' && !c->peer_is_local;
}

static const char protected_error[] =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    "default user. In this mode connections are only accepted from the loopback interface. If you want to connect from "
    "external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending "
    "the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host "
    "the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG "
    "REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the "
    "Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If "
    "you "
    "started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an "
    "authentication password for the default user. NOTE: You only need to do one of the above things in order for the "
    "server to start accepting connections from the outside.\r\n";

static uint32_t least_loaded(const struct server *s)
{
    uint32_t best = 0, fewest = UINT32_MAX;
    for (uint32_t i = 0; i < s->nworkers; i++) {
        uint32_t n = atomic_load_explicit(&s->load[i].clients, memory_order_relaxed);
        if (n < fewest) {
            fewest = n;
            best = i;
        }
    }
    return best;
}

void server_accept(struct worker *w, int fd, bool unix_socket)
{
    struct server *s = w->server;
    worker_see_time(w);
    uint64_t id = atomic_fetch_add_explicit(&s->next_client_id, 1, memory_order_relaxed) + 1;
    struct client *c = client_create(fd, id, unix_socket, w->now_ms);
    if (atomic_load_explicit(&s->nclients, memory_order_relaxed) >= (uint64_t)w->config->maxclients) {
        refuse(s, c, "-ERR max number of clients reached\r\n");
        return;
    }
    if (is_protected_from(w->config, c)) {
        refuse(s, c, protected_error);
        return;
    }
    atomic_fetch_add_explicit(&s->nclients, 1, memory_order_relaxed);
    uint32_t home = least_loaded(s);
    atomic_fetch_add_explicit(&s->load[home].clients, 1, memory_order_relaxed);
    worker_send(w, home, &c->msg, MSG_CLIENT);
}

/* ---- Upkeep ---- */

void server_log_not_built(struct server *s, const struct command *row)
{
    if (!atomic_exchange_explicit(&s->not_built_logged[row->id], true, memory_order_relaxed))
        log_write(LOG_LEVEL_WARNING, "A client asked for '%s', which this version does not have yet", row->full_name);
}

uint64_t server_memory_used(const struct server *s)
{
    int64_t used = mem_used(&s->main_memory);
    for (uint32_t i = 0; i < s->nworkers; i++)
        used += mem_used(&s->workers[i]->memory);
    return used > 0 ? (uint64_t)used : 0;
}

uint64_t server_memory_peak(struct server *s, uint64_t used)
{
    uint64_t peak = atomic_load_explicit(&s->memory_peak, memory_order_relaxed);
    while (used > peak && !atomic_compare_exchange_weak(&s->memory_peak, &peak, used))
        ;
    return used > peak ? used : peak;
}

void server_cron(struct worker *w)
{
    rate_sample(&w->ops_rate, stat_get(&w->stats.commands), w->now_ns);
    rate_sample(&w->in_rate, stat_get(&w->stats.bytes_in), w->now_ns);
    rate_sample(&w->out_rate, stat_get(&w->stats.bytes_out), w->now_ns);
    if (w->id != 0)
        return;
    server_memory_peak(w->server, server_memory_used(w->server));
    aof_cron(w);
}

/* What the options say for the signal. If it cannot be done the server goes on, and waits for the next one. */
static void obey_signal(struct worker *w, int signal_number)
{
    char error[SHUTDOWN_ERROR_BYTES];
    int how = signal_number == SIGINT ? w->config->shutdown_on_sigint : w->config->shutdown_on_sigterm;
    if (shutdown_begin(w, (unsigned)how, error))
        return;
    log_write(LOG_LEVEL_WARNING, "Not shutting down: %s", error);
    atomic_store_explicit(&w->server->signal_received, 0, memory_order_relaxed);
}

void server_poll(struct worker *w)
{
    struct server *s = w->server;
    int signal_number = atomic_load_explicit(&s->signal_received, memory_order_relaxed);
    if (server_is_stopping(s))
        end_if_empty(w);
    else if (signal_number)
        obey_signal(w, signal_number);
}
