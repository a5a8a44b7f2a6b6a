/* The connections of the load generator: sends a workload's requests over all of them and takes the replies.
 *
 * Closed loop: each connection sends `pipeline` requests at once and the next when all are answered. Open loop (a
 * rate): requests fall due at random moments with that mean, whether or not the server has kept up; one that finds no
 * connection idle waits, and its latency counts from when it was due. One thread, one io_uring; in an open loop it
 * never sleeps, so that its own wake-ups are not measured. Owner of everything: the one thread that calls it. */
#ifndef SKUA_BENCH_CLIENT_H
#define SKUA_BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "bench/histogram.h"
#include "bench/request.h"

struct client_options {
    const char *host; /* an IPv4 address */
    uint16_t port;
    unsigned connections;
    unsigned pipeline;
    double rate;           /* requests a second; 0: closed loop */
    double warmup_seconds; /* answered, but not counted */
    double seconds;        /* 0: until `count` requests are answered */
    uint64_t count;
    clockid_t server_clock; /* the CPU clock of the server's process */
    bool has_server_clock;
};

/* What was seen between the end of the warm-up and the end. */
struct client_result {
    uint64_t replies;
    uint64_t unexpected; /* replies that are not what the workload expects */
    double seconds;
    double server_cpu_seconds; /* of all its threads; 0 without its clock */
    double client_cpu_seconds;
    struct histogram latency;
};

/* Runs the workload. Returns true and fills *result; or false after printing to stderr why it could not go on. */
bool client_run(const struct client_options *options, struct workload *workload, struct client_result *result);

#endif
