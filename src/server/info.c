/* INFO: every worker is asked for its part, on its own thread; home adds up and writes the sections that were asked
 * for. Field names and order are those of Redis 7.4, those left out that have no meaning here; what only Skua has is in
 * the section "skua". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/server/aof.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/commands.h"
#include "src/server/config.h"
#include "src/server/loading.h"
#include "src/server/server.h"
#include "src/server/version.h"
#include "src/server/worker.h"

/* What one worker tells, or the sum over all. */
struct info_part {
    uint64_t connections, commands, groups, bytes_in, bytes_out, reads, writes, transactions, bundles, errors,
        query_limit_closed, output_limit_closed, auth_denied, takebacks, wakes, iterations;
    uint64_t hits, misses, expired, expire_ns, expire_unfinished;
    uint64_t ops_rate, in_rate, out_rate;
    uint64_t keys, expires;
    int64_t memory, data_memory, client_memory;
    uint64_t input_max, output_max;
    uint64_t clients, paused;
    int64_t cpu_user_us, cpu_sys_us;
};

struct info_ask {
    struct client *client;
    uint32_t sections;       /* bits: 1 << index in sections[] */
    struct info_part part[]; /* a worker's each */
};

/* ---- A worker's part ---- */

static void count_clients(struct worker *w, struct info_part *p)
{
    for (struct list *n = w->clients.next; n != &w->clients; n = n->next) {
        const struct client *c = container_of(n, struct client, node);
        size_t output = conn_output_bytes(&c->conn);
        p->client_memory += (int64_t)(sizeof *c + conn_memory(&c->conn) + parse_memory(&c->parser));
        if (c->conn.query_peak > p->input_max)
            p->input_max = c->conn.query_peak;
        if (output > p->output_max)
            p->output_max = output;
        p->paused += c->paused;
    }
}

static int64_t timeval_us(struct timeval t) { return (int64_t)t.tv_sec * 1000000 + t.tv_usec; }

static bool info_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    struct info_ask *info = a->arg;
    struct info_part *p = &info->part[part - a->part];
    const struct worker_stats *s = &w->stats;
    const struct keyspace_stats *k = keyspace_stats(w->shard.keyspace);
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    *p = (struct info_part){
        .connections = stat_get(&s->connections),
        .commands = stat_get(&s->commands),
        .groups = stat_get(&s->groups_run),
        .bytes_in = stat_get(&s->bytes_in),
        .bytes_out = stat_get(&s->bytes_out),
        .reads = stat_get(&s->reads),
        .writes = stat_get(&s->writes),
        .transactions = stat_get(&s->transactions),
        .bundles = stat_get(&s->bundles),
        .errors = stat_get(&s->errors),
        .query_limit_closed = stat_get(&s->query_limit_closed),
        .output_limit_closed = stat_get(&s->output_limit_closed),
        .auth_denied = stat_get(&s->auth_denied),
        .takebacks = w->lane->takebacks,
        .wakes = stat_get(&s->wakes),
        .iterations = stat_get(&s->iterations),
        .hits = stat_get(&k->hits),
        .misses = stat_get(&k->misses),
        .expired = stat_get(&k->expired),
        .expire_ns = stat_get(&s->expire_ns),
        .expire_unfinished = stat_get(&s->expire_unfinished),
        .ops_rate = rate_get(&w->ops_rate),
        .in_rate = rate_get(&w->in_rate),
        .out_rate = rate_get(&w->out_rate),
        .memory = mem_used(&w->memory),
        .data_memory = mem_used(&w->shard.account),
        .clients = w->nclients,
        .cpu_user_us = timeval_us(usage.ru_utime),
        .cpu_sys_us = timeval_us(usage.ru_stime),
    };
    for (uint32_t db = 0; (db = keyspace_next_database(w->shard.keyspace, db)) != DATABASE_NONE; db++) {
        p->keys += keyspace_size(w->shard.keyspace, db);
        p->expires += keyspace_expires(w->shard.keyspace, db);
    }
    count_clients(w, p);
    return true;
}

static struct info_part add_up(const struct info_part *parts, uint32_t n)
{
    struct info_part t = {0};
    for (uint32_t i = 0; i < n; i++) {
        const struct info_part *p = &parts[i];
        t.connections += p->connections, t.commands += p->commands, t.groups += p->groups;
        t.bytes_in += p->bytes_in, t.bytes_out += p->bytes_out, t.reads += p->reads, t.writes += p->writes;
        t.transactions += p->transactions, t.bundles += p->bundles, t.errors += p->errors;
        t.query_limit_closed += p->query_limit_closed, t.output_limit_closed += p->output_limit_closed;
        t.auth_denied += p->auth_denied, t.takebacks += p->takebacks, t.wakes += p->wakes;
        t.hits += p->hits, t.misses += p->misses, t.expired += p->expired;
        t.expire_ns += p->expire_ns, t.expire_unfinished += p->expire_unfinished;
        t.ops_rate += p->ops_rate, t.in_rate += p->in_rate, t.out_rate += p->out_rate;
        t.keys += p->keys, t.expires += p->expires;
        t.memory += p->memory, t.data_memory += p->data_memory, t.client_memory += p->client_memory;
        t.clients += p->clients, t.paused += p->paused;
        t.input_max = p->input_max > t.input_max ? p->input_max : t.input_max;
        t.output_max = p->output_max > t.output_max ? p->output_max : t.output_max;
    }
    return t;
}

/* ---- Sections ---- */

struct info {
    FILE *out;
    struct worker *home;
    struct server *server;
    const struct config *config;
    const struct info_part *parts;
    struct info_part total;
};

/* As Redis's bytesToHuman. */
static void human(const struct info *i, const char *name, uint64_t bytes)
{
    static const char units[] = "BKMGTP";
    unsigned unit = 0;
    double v = (double)bytes;
    while (v >= 1024 && unit < 5) {
        v /= 1024;
        unit++;
    }
    if (unit == 0)
        fprintf(i->out, "%s:%" PRIu64 "B\r\n", name, bytes);
    else
        fprintf(i->out, "%s:%.2f%c\r\n", name, v, units[unit]);
}

static void write_server(const struct info *i)
{
    const struct server *s = i->server;
    struct utsname os;
    uname(&os);
    int64_t now_us = io_wall_us(i->home->io);
    int64_t uptime = (int64_t)((i->home->now_ns - s->started_ns) / 1000000000);
    fprintf(i->out,
            "redis_version:%s\r\nredis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_build_id:%s\r\n"
            "redis_mode:standalone\r\nos:%s %s %s\r\narch_bits:%zu\r\nmonotonic_clock:POSIX clock_gettime\r\n"
            "multiplexing_api:%s\r\natomicvar_api:c11-builtin\r\ngcc_version:%s\r\nprocess_id:%d\r\n"
            "process_supervised:no\r\nrun_id:%s\r\ntcp_port:%d\r\nserver_time_usec:%" PRId64
            "\r\nuptime_in_seconds:%" PRId64 "\r\nuptime_in_days:%" PRId64
            "\r\nhz:10\r\nconfigured_hz:%d\r\nlru_clock:%u\r\nexecutable:%s\r\nconfig_file:%s\r\n"
            "io_threads_active:0\r\nlistener0:name=tcp",
            REDIS_VERSION, SKUA_BUILD_ID, os.sysname, os.release, os.machine, sizeof(void *) * 8, io_name(i->home->io),
            SKUA_COMPILER, getpid(), s->run_id, (int)i->config->port, now_us, uptime, uptime / 86400,
            (int)i->config->hz, (unsigned)(now_us / 1000000) & 0xffffff, s->executable,
            i->config->file ? i->config->file : "");
    for (uint32_t b = 0; b < i->config->bind.count; b++)
        fprintf(i->out, ",bind=%s", i->config->bind.v[b]);
    fprintf(i->out, ",port=%d\r\n", (int)i->config->port);
    if (i->config->unixsocket[0])
        fprintf(i->out, "listener1:name=unix,bind=%s\r\n", i->config->unixsocket);
}

static void write_clients(const struct info *i)
{
    fprintf(i->out,
            "connected_clients:%" PRIu64 "\r\ncluster_connections:0\r\nmaxclients:%" PRId64
            "\r\nclient_recent_max_input_buffer:%" PRIu64 "\r\nclient_recent_max_output_buffer:%" PRIu64
            "\r\nblocked_clients:0\r\ntracking_clients:0\r\npubsub_clients:0\r\nwatching_clients:0\r\n"
            "clients_in_timeout_table:0\r\ntotal_watched_keys:0\r\ntotal_blocking_keys:0\r\n"
            "total_blocking_keys_on_nokey:0\r\n",
            i->total.clients, i->config->maxclients, i->total.input_max, i->total.output_max);
}

static void write_memory(const struct info *i)
{
    uint64_t used = server_memory_used(i->server), startup = (uint64_t)i->server->startup_memory;
    uint64_t peak = server_memory_peak(i->server, used), rss = mem_resident_bytes();
    uint64_t data = (uint64_t)i->total.data_memory,
             total = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t overhead = used > data ? used - data : 0;
    fprintf(i->out, "used_memory:%" PRIu64 "\r\n", used);
    human(i, "used_memory_human", used);
    fprintf(i->out, "used_memory_rss:%" PRIu64 "\r\n", rss);
    human(i, "used_memory_rss_human", rss);
    fprintf(i->out, "used_memory_peak:%" PRIu64 "\r\n", peak);
    human(i, "used_memory_peak_human", peak);
    fprintf(i->out,
            "used_memory_peak_perc:%.2f%%\r\nused_memory_overhead:%" PRIu64 "\r\nused_memory_startup:%" PRIu64
            "\r\nused_memory_dataset:%" PRIu64 "\r\nused_memory_dataset_perc:%.2f%%\r\nallocator_allocated:%" PRIu64
            "\r\nallocator_active:%" PRIu64 "\r\nallocator_resident:%" PRIu64 "\r\ntotal_system_memory:%" PRIu64 "\r\n",
            100.0 * (double)used / (double)peak, overhead, startup, data,
            used > startup ? 100.0 * (double)data / (double)(used - startup) : 0.0, used, rss, rss, total);
    human(i, "total_system_memory_human", total);
    fprintf(i->out, "maxmemory:%" PRIu64 "\r\n", i->config->maxmemory);
    human(i, "maxmemory_human", i->config->maxmemory);
    fprintf(
        i->out,
        "maxmemory_policy:noeviction\r\nallocator_frag_ratio:%.2f\r\nallocator_frag_bytes:%" PRId64
        "\r\nallocator_rss_ratio:1.00\r\nallocator_rss_bytes:0\r\nrss_overhead_ratio:1.00\r\nrss_overhead_bytes:0\r\n"
        "mem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%" PRId64
        "\r\nmem_not_counted_for_evict:0\r\nmem_replication_backlog:0\r\nmem_total_replication_buffers:0\r\n"
        "mem_clients_slaves:0\r\nmem_clients_normal:%" PRId64
        "\r\nmem_cluster_links:0\r\nmem_aof_buffer:0\r\nmem_allocator:%s\r\nactive_defrag_running:0\r\n"
        "lazyfree_pending_objects:0\r\nlazyfreed_objects:0\r\n",
        (double)rss / (double)used, (int64_t)(rss - used), (double)rss / (double)used, (int64_t)(rss - used),
        i->total.client_memory, MEM_ALLOCATOR);
}

static void write_loading(const struct info *i)
{
    struct loading_progress p = loading_progress(i->server->loading);
    int64_t elapsed = io_wall_us(i->home->io) / 1000000 - p.start_seconds;
    uint64_t left = p.bytes_total - p.bytes_done;
    fprintf(i->out,
            "loading_start_time:%" PRId64 "\r\nloading_total_bytes:%" PRIu64
            "\r\nloading_rdb_used_mem:0\r\nloading_loaded_bytes:%" PRIu64
            "\r\nloading_loaded_perc:%.2f\r\nloading_eta_seconds:%" PRIu64 "\r\n",
            p.start_seconds, p.bytes_total, p.bytes_done,
            p.bytes_total ? 100.0 * (double)p.bytes_done / (double)p.bytes_total : 0.0,
            elapsed > 0 ? (uint64_t)elapsed * left / (p.bytes_done + 1) : 1);
}

static void write_persistence(const struct info *i)
{
    struct aof_info aof = aof_info(i->server, i->home->now_ns);
    fprintf(i->out,
            "loading:%d\r\nasync_loading:0\r\ncurrent_fork_perc:%.2f\r\ncurrent_save_keys_processed:%" PRIu64
            "\r\ncurrent_save_keys_total:%" PRIu64
            "\r\naof_enabled:%d\r\naof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:0\r\n"
            "aof_last_rewrite_time_sec:%" PRId64 "\r\naof_current_rewrite_time_sec:%" PRId64
            "\r\naof_last_bgrewrite_status:%s\r\naof_rewrites:%" PRIu64 "\r\naof_rewrites_consecutive_failures:%" PRIu64
            "\r\naof_last_write_status:%s\r\naof_last_cow_size:0\r\n",
            i->home->loading, aof.keys_total ? 100.0 * (double)aof.keys / (double)aof.keys_total : 0.0, aof.keys,
            aof.keys_total, aof.on, aof.rewriting, aof.last_seconds, aof.rewrite_seconds,
            aof.last_failed ? "err" : "ok", aof.rewrites, aof.failures, aof.write_failed ? "err" : "ok");
    if (aof.on)
        fprintf(i->out,
                "aof_current_size:%" PRIu64 "\r\naof_base_size:%" PRIu64
                "\r\naof_pending_rewrite:0\r\naof_buffer_length:%" PRIu64
                "\r\naof_pending_bio_fsync:%d\r\naof_delayed_fsync:%" PRIu64 "\r\n",
                aof.size, aof.base_size, aof.queued_bytes, aof.is_syncing, aof.delayed_syncs);
    if (i->home->loading)
        write_loading(i);
}

static void write_stats(const struct info *i)
{
    const struct info_part *t = &i->total;
    fprintf(
        i->out,
        "total_connections_received:%" PRIu64 "\r\ntotal_commands_processed:%" PRIu64
        "\r\ninstantaneous_ops_per_sec:%" PRIu64 "\r\ntotal_net_input_bytes:%" PRIu64
        "\r\ntotal_net_output_bytes:%" PRIu64 "\r\ntotal_net_repl_input_bytes:0\r\ntotal_net_repl_output_bytes:0\r\n"
        "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\ninstantaneous_input_repl_kbps:0.00\r\n"
        "instantaneous_output_repl_kbps:0.00\r\nrejected_connections:%" PRIu64
        "\r\nsync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\nexpired_keys:%" PRIu64
        "\r\nexpired_time_cap_reached_count:%" PRIu64 "\r\nexpire_cycle_cpu_milliseconds:%" PRIu64
        "\r\nevicted_keys:0\r\nevicted_clients:0\r\nkeyspace_hits:%" PRIu64 "\r\nkeyspace_misses:%" PRIu64
        "\r\npubsub_channels:0\r\npubsub_patterns:0\r\npubsubshard_channels:0\r\ntracking_total_keys:0\r\n"
        "tracking_total_items:0\r\ntracking_total_prefixes:0\r\nunexpected_error_replies:0\r\n"
        "total_error_replies:%" PRIu64 "\r\ntotal_reads_processed:%" PRIu64 "\r\ntotal_writes_processed:%" PRIu64
        "\r\nclient_query_buffer_limit_disconnections:%" PRIu64 "\r\nclient_output_buffer_limit_disconnections:%" PRIu64
        "\r\nacl_access_denied_auth:%" PRIu64
        "\r\nacl_access_denied_cmd:0\r\nacl_access_denied_key:0\r\nacl_access_denied_channel:0\r\n",
        t->connections + atomic_load(&i->server->clients_rejected), t->commands, t->ops_rate, t->bytes_in, t->bytes_out,
        (double)t->in_rate / 1024, (double)t->out_rate / 1024, atomic_load(&i->server->clients_rejected), t->expired,
        t->expire_unfinished, t->expire_ns / 1000000, t->hits, t->misses, t->errors, t->reads, t->writes,
        t->query_limit_closed, t->output_limit_closed, t->auth_denied);
}

static void write_replication(const struct info *i)
{
    fprintf(i->out,
            "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:%s\r\n"
            "master_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:0\r\n"
            "second_repl_offset:-1\r\nrepl_backlog_active:0\r\nrepl_backlog_size:%" PRIu64
            "\r\nrepl_backlog_first_byte_offset:0\r\nrepl_backlog_histlen:0\r\n",
            i->server->run_id, (uint64_t)i->config->repl_backlog_size);
}

static void write_cpu(const struct info *i)
{
    struct rusage self;
    getrusage(RUSAGE_SELF, &self);
    fprintf(i->out,
            "used_cpu_sys:%.6f\r\nused_cpu_user:%.6f\r\nused_cpu_sys_children:0.000000\r\n"
            "used_cpu_user_children:0.000000\r\nused_cpu_sys_main_thread:%.6f\r\nused_cpu_user_main_thread:%.6f\r\n",
            (double)timeval_us(self.ru_stime) / 1e6, (double)timeval_us(self.ru_utime) / 1e6,
            (double)i->parts[0].cpu_sys_us / 1e6, (double)i->parts[0].cpu_user_us / 1e6);
}

static void write_modules(const struct info *i) { (void)i; }

static void write_cluster(const struct info *i) { fprintf(i->out, "cluster_enabled:0\r\n"); }

/* Weighted by keys with an expiry: each shard knows the mean of its own. */
static int64_t mean_ttl_ms(const struct info *i, uint32_t db, uint64_t expires)
{
    double sum = 0;
    for (uint32_t s = 0; s < i->server->nworkers; s++) {
        const struct keyspace *ks = i->server->shards[s]->keyspace;
        sum += (double)keyspace_avg_ttl_ms(ks, db) * (double)keyspace_expires(ks, db);
    }
    return expires ? (int64_t)(sum / (double)expires) : 0;
}

static void write_keyspace(const struct info *i)
{
    const struct server *server = i->server;
    for (uint32_t db = 0; (db = shards_next_database(server->shards, server->nworkers, db)) != DATABASE_NONE; db++) {
        uint64_t keys = shards_size(server->shards, server->nworkers, db);
        uint64_t expires = shards_expires(server->shards, server->nworkers, db);
        if (keys > 0)
            fprintf(i->out, "db%u:keys=%" PRIu64 ",expires=%" PRIu64 ",avg_ttl=%" PRId64 ",subexpiry=0\r\n", db, keys,
                    expires, mean_ttl_ms(i, db, expires));
    }
}

static void write_skua(const struct info *i)
{
    const struct info_part *t = &i->total;
    fprintf(i->out,
            "skua_version:%s\r\nworkers:%u\r\nio_backend:%s\r\ngroups_run:%" PRIu64 "\r\ntransactions_held:%" PRIu64
            "\r\nbundles_run:%" PRIu64 "\r\nholds_taken_back:%" PRIu64 "\r\npaused_clients:%" PRIu64 "\r\n",
            SKUA_VERSION, i->server->nworkers, io_name(i->home->io), t->groups, t->transactions, t->bundles,
            t->takebacks, t->paused);
    for (uint32_t w = 0; w < i->server->nworkers; w++) {
        const struct info_part *p = &i->parts[w];
        fprintf(i->out,
                "shard%u:keys=%" PRIu64 ",expires=%" PRIu64 ",memory=%" PRId64 ",clients=%" PRIu64 ",commands=%" PRIu64
                ",ops_per_sec=%" PRIu64 ",cpu_us=%" PRId64 ",wakes=%" PRIu64 ",iterations=%" PRIu64 "\r\n",
                w, p->keys, p->expires, p->data_memory, p->clients, p->commands, p->ops_rate,
                p->cpu_user_us + p->cpu_sys_us, p->wakes, p->iterations);
    }
}

static const struct info_section {
    const char *name, *title;
    bool by_default;
    void (*write)(const struct info *i);
} sections[] = {
    {"server", "Server", true, write_server},
    {"clients", "Clients", true, write_clients},
    {"memory", "Memory", true, write_memory},
    {"persistence", "Persistence", true, write_persistence},
    {"stats", "Stats", true, write_stats},
    {"replication", "Replication", true, write_replication},
    {"cpu", "CPU", true, write_cpu},
    {"modules", "Modules", true, write_modules},
    {"cluster", "Cluster", true, write_cluster},
    {"keyspace", "Keyspace", true, write_keyspace},
    {"skua", "Skua", true, write_skua},
};

enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* ---- The command ---- */

static void reply_info(struct info_ask *a, struct worker *home)
{
    char *text = NULL;
    size_t len = 0;
    struct info i = {
        .out = open_memstream(&text, &len),
        .home = home,
        .server = home->server,
        .config = home->config,
        .parts = a->part,
        .total = add_up(a->part, home->server->nworkers),
    };
    bool first = true;
    for (unsigned s = 0; s < SECTIONS; s++) {
        if (!(a->sections >> s & 1))
            continue;
        fprintf(i.out, "%s# %s\r\n", first ? "" : "\r\n", sections[s].title);
        sections[s].write(&i);
        first = false;
    }
    fclose(i.out);
    reply_verbatim(&a->client->batch->reply, text, len, "txt");
    free(text);
}

static void info_done(struct worker *home, struct ask *a)
{
    struct info_ask *info = a->arg;
    struct client *client = info->client;
    reply_info(info, home);
    mem_free(NULL, info);
    ask_free(a);
    batch_deferred_done(client);
}

static uint32_t wanted_sections(const struct cmd *c)
{
    uint32_t wanted = 0, all = (1u << SECTIONS) - 1, by_default = 0;
    for (unsigned s = 0; s < SECTIONS; s++)
        by_default |= (uint32_t)sections[s].by_default << s;
    if (c->argc == 1)
        return by_default;
    for (uint32_t i = 1; i < c->argc; i++) {
        if (slice_is(c->argv[i], "all") || slice_is(c->argv[i], "everything"))
            wanted |= all;
        else if (slice_is(c->argv[i], "default"))
            wanted |= by_default;
        for (unsigned s = 0; s < SECTIONS; s++)
            wanted |= (uint32_t)slice_is(c->argv[i], sections[s].name) << s;
    }
    return wanted;
}

/* INFO [section ...] */
static void info(struct cmd *c)
{
    struct client *client = command_client(c);
    struct info_ask *a = mem_zalloc(NULL, sizeof *a + c->nshards * sizeof a->part[0]);
    a->client = client;
    a->sections = wanted_sections(c);
    client_count_traffic(client);
    batch_defer(client);
    ask_workers(client->worker, info_run, info_done, a);
}

const struct command_binding info_bindings[] = {
    {"info", info},
    {NULL, NULL},
};
