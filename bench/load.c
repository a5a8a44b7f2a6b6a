/* The load generator: `load --port N [options]` runs one workload against a server that speaks RESP and prints what it
 * measured as one line of JSON. Here are the options and the line; the requests are in request.c, the connections in
 * client.c. Its cost per request is to stay well below that of the servers it measures; the line says what it was. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/client.h"

enum { CONNECTIONS_MAX = 60000, PIPELINE_MAX = 10000, PER_COMMAND_MAX = 1000 };

static const char HELP[] =
    "load --port N [options]: one workload against one server, measured\n"
    "  --host ADDRESS        IPv4 (127.0.0.1)\n"
    "  --command NAME        one of those below (get)\n"
    "  --keys N              that many keys, all of which are used (1000000)\n"
    "  --first N             the number of the first key (0)\n"
    "  --in-order            in the order of their numbers, to fill a server (shuffled)\n"
    "  --per-command N       how often the words between parentheses come (10)\n"
    "  --element N           the number of the first element (0)\n"
    "  --elements N          that many, which then come again (all are new)\n"
    "  --value-bytes N       (64)\n"
    "  --connections N       (50)\n"
    "  --pipeline N          requests that a connection sends at once (1)\n"
    "  --rate N              requests a second, whether or not the server keeps up (as fast as replies come)\n"
    "  --warmup SECONDS      not counted (0)\n"
    "  --seconds SECONDS     how long (1), or\n"
    "  --count N             how many requests\n"
    "  --late-ms MS          count replies later than that (5)\n"
    "  --pid PID             the server's process, to measure its CPU time\n";

struct options {
    struct client_options client;
    struct workload workload;
    uint32_t first_key;
    bool in_order;
    double late_ms;
};

static void print_help(FILE *to)
{
    fprintf(to, "%s\nCommands:\n", HELP);
    for (const struct request_command *command = request_commands; command->name; command++)
        fprintf(to, "  %-14s %s%s\n", command->name, command->words, command->writes_percent ? "; 1 SET to 9" : "");
    fputs(REQUEST_WORDS_HELP, to);
}

static void refuse(const char *option, const char *value, const char *accepted)
{
    fprintf(stderr, "load: --%s %s: %s\n", option, value, accepted);
    exit(2);
}

static double number(const char *option, const char *value, double min, double max)
{
    char *end, accepted[80];
    double v = strtod(value, &end);
    if (end == value || *end || v < min || v > max) {
        snprintf(accepted, sizeof accepted, "a number from %g to %g is needed", min, max);
        refuse(option, value, accepted);
    }
    return v;
}

static void set_command(struct workload *w, const char *name)
{
    for (w->command = request_commands; w->command->name; w->command++)
        if (strcmp(w->command->name, name) == 0)
            return;
    refuse("command", name, "--help lists the commands");
}

static void set_server_clock(struct client_options *client, const char *value)
{
    if (clock_getcpuclockid((pid_t)number("pid", value, 1, 1e9), &client->server_clock) != 0)
        refuse("pid", value, "there is no such process");
    client->has_server_clock = true;
}

static void set_option(struct options *o, const char *name, const char *value)
{
    struct client_options *c = &o->client;
    if (strcmp(name, "host") == 0)
        c->host = value;
    else if (strcmp(name, "port") == 0)
        c->port = (uint16_t)number(name, value, 1, 65535);
    else if (strcmp(name, "command") == 0)
        set_command(&o->workload, value);
    else if (strcmp(name, "keys") == 0)
        o->workload.key_count = (uint32_t)number(name, value, 1, REQUEST_KEYS_MAX);
    else if (strcmp(name, "first") == 0)
        o->first_key = (uint32_t)number(name, value, 0, REQUEST_KEYS_MAX);
    else if (strcmp(name, "in-order") == 0)
        o->in_order = true;
    else if (strcmp(name, "per-command") == 0)
        o->workload.per_command = (unsigned)number(name, value, 1, PER_COMMAND_MAX);
    else if (strcmp(name, "element") == 0)
        o->workload.element = (uint32_t)number(name, value, 0, REQUEST_KEYS_MAX);
    else if (strcmp(name, "elements") == 0)
        o->workload.element_count = (uint32_t)number(name, value, 1, REQUEST_KEYS_MAX);
    else if (strcmp(name, "value-bytes") == 0)
        o->workload.value_bytes = (unsigned)number(name, value, REQUEST_KEY_BYTES, REQUEST_VALUE_BYTES_MAX);
    else if (strcmp(name, "connections") == 0)
        c->connections = (unsigned)number(name, value, 1, CONNECTIONS_MAX);
    else if (strcmp(name, "pipeline") == 0)
        c->pipeline = (unsigned)number(name, value, 1, PIPELINE_MAX);
    else if (strcmp(name, "rate") == 0)
        c->rate = number(name, value, 1, 1e9);
    else if (strcmp(name, "warmup") == 0)
        c->warmup_seconds = number(name, value, 0, 1e6);
    else if (strcmp(name, "seconds") == 0)
        c->seconds = number(name, value, 0.001, 1e6);
    else if (strcmp(name, "count") == 0)
        c->count = (uint64_t)number(name, value, 1, 1e15);
    else if (strcmp(name, "late-ms") == 0)
        o->late_ms = number(name, value, 0, 1e6);
    else
        set_server_clock(c, value);
}

static void read_options(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"host", required_argument, NULL, 0},
        {"port", required_argument, NULL, 0},
        {"command", required_argument, NULL, 0},
        {"keys", required_argument, NULL, 0},
        {"first", required_argument, NULL, 0},
        {"in-order", no_argument, NULL, 0},
        {"per-command", required_argument, NULL, 0},
        {"element", required_argument, NULL, 0},
        {"elements", required_argument, NULL, 0},
        {"value-bytes", required_argument, NULL, 0},
        {"connections", required_argument, NULL, 0},
        {"pipeline", required_argument, NULL, 0},
        {"rate", required_argument, NULL, 0},
        {"warmup", required_argument, NULL, 0},
        {"seconds", required_argument, NULL, 0},
        {"count", required_argument, NULL, 0},
        {"late-ms", required_argument, NULL, 0},
        {"pid", required_argument, NULL, 0},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int which, result;
    while ((result = getopt_long(argc, argv, "", names, &which)) != -1) {
        if (result != 0) {
            print_help(result == 'h' ? stdout : stderr);
            exit(result == 'h' ? 0 : 2);
        }
        set_option(o, names[which].name, optarg);
    }
    if (o->client.port == 0)
        refuse("port", "", "needed");
    if (o->workload.per_command > o->workload.key_count)
        refuse("per-command", "", "not more than --keys");
    if (o->client.count == 0 && o->client.seconds == 0)
        o->client.seconds = 1;
}

static void print_result(const struct options *o, const struct client_result *r)
{
    double replies = r->replies ? (double)r->replies : 1;
    printf("{\"replies\": %llu, \"unexpected\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, ",
           (unsigned long long)r->replies, (unsigned long long)r->unexpected, r->seconds,
           (double)r->replies / (r->seconds > 0 ? r->seconds : 1));
    printf("\"server_cpu_us\": %.4f, \"client_cpu_us\": %.4f, ", r->server_cpu_seconds * 1e6 / replies,
           r->client_cpu_seconds * 1e6 / replies);
    static const struct {
        const char *name;
        double fraction;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999}};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        printf("\"%s_us\": %.1f, ", quantiles[i].name,
               (double)histogram_quantile_ns(&r->latency, quantiles[i].fraction) / 1e3);
    }
    printf("\"max_us\": %.1f, \"late\": %llu}\n", (double)r->latency.max_ns / 1e3,
           (unsigned long long)histogram_count_above(&r->latency, (uint64_t)(o->late_ms * 1e6)));
}

int main(int argc, char **argv)
{
    static struct client_result result; /* its histogram is large for a stack */
    struct options options = {
        .client = {.host = "127.0.0.1", .connections = 50, .pipeline = 1},
        .workload = {.command = request_commands, .key_count = 1000000, .per_command = 10, .value_bytes = 64},
        .late_ms = 5,
    };
    read_options(&options, argc, argv);
    workload_init(&options.workload, options.first_key, !options.in_order);
    bool good = client_run(&options.client, &options.workload, &result);
    workload_deinit(&options.workload);
    if (good)
        print_result(&options, &result);
    return good && result.unexpected == 0 ? 0 : 1;
}
