/* A place to try an io in: the same test body runs on sockets of the kernel and of the simulator. Failures abort the
 * test by cmocka's assertions. */
#ifndef SKUA_TESTS_IO_WORLD_H
#define SKUA_TESTS_IO_WORLD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "src/io/io.h"
#include "src/io/sim.h"

struct world {
    struct io_config config;
    bool plain_uring; /* io_uring as on an old kernel: without what uring_probe found */
    uint64_t seed;
    struct io *io;
    struct sim *sim; /* NULL on the kernel */
    int listen_fd;
    uint16_t port;
    void (*body)(struct world *w);
};

/* Runs body with an io and a listener; in a task if config.backend is IO_SIM. */
void world_run(struct world *w);

/* Another io of the world's kind, not yet entered. */
struct io *world_make_io(struct world *w);

/* A connected descriptor whose other end waits to be accepted; for the world's io. */
int world_connect(struct world *w);
/* Two connected descriptors, both for the world's io. */
void world_pair(struct world *w, int pair[2]);
/* Closes so that the peer sees the connection broken. */
void world_reset(struct world *w, int fd);

/* Fails the test after ten seconds, also if what is waited for came only because io_wait gave up then. */
#define WORLD_UNTIL(w, condition)                                                                                      \
    for (uint64_t end_ = io_now_ns((w)->io) + UINT64_C(10000000000); !(condition);) {                                  \
        io_wait((w)->io, end_);                                                                                        \
        assert_true(io_now_ns((w)->io) < end_);                                                                        \
    }

/* One end of a connection. It sends a pattern, and expects the pattern. */
struct end {
    struct world *w;
    int fd;
    struct io_op in, out;
    size_t sent, to_send, received;
    char *into;                /* for end_receive_into */
    int in_result, out_result; /* of the last completion that ended the op; 1: none yet */
    bool echo;                 /* send back as much as was received */
    bool message;              /* by io_sendmsg: */
    struct iovec parts[2];
    struct msghdr msg;
};

void end_open(struct end *e, struct world *w, int fd);
void end_receive(struct end *e);
void end_receive_into(struct end *e, size_t len);
/* Sends bytes more. */
void end_send(struct end *e, size_t bytes);
/* Cancels what is active and closes. */
void end_close(struct end *e);

#endif
