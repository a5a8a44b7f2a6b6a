/* What the parts of the simulator share: sim.c has the clock and the tasks, sim_net.c the network, sim_disk.c and
 * sim_dir.c the disk, sim_io.c the io. Only they include this. */
#ifndef SKUA_IO_SIM_WORLD_H
#define SKUA_IO_SIM_WORLD_H

#include "src/base/list.h"
#include "src/io/io.h"
#include "src/io/sim.h"

struct sim_task;
struct sim_io;
struct sim_disk;
struct sim_file;

struct sim {
    struct sim_config config;
    uint64_t random_state;
    uint64_t now_ns;
    uint64_t trace;
    uint64_t steps;
    struct list tasks;
    struct sim_task *current;    /* NULL in the scheduler */
    struct sim_socket **sockets; /* by descriptor; NULL: free */
    int socket_count;
    uint64_t next_due_ns;  /* nothing arrives earlier */
    struct sim_disk *disk; /* NULL: none */
    bool crashed;
};

/* Can the task go on? */
typedef bool sim_ready(void *arg);

/* Gives the processor back until ready(arg) or the deadline. what is for sim_describe. */
void sim_block(struct sim *sim, sim_ready *ready, void *arg, uint64_t deadline_ns, const char *what);

/* Are we in a task, and not in a fiber of its own, which may not block it? */
bool sim_may_block(const struct sim *sim);

void sim_record(struct sim *sim, uint64_t what, uint64_t detail);
bool sim_chance(struct sim *sim, uint32_t rate, uint32_t of);

/* A part of the bytes sent, an end of stream or a reset, on its way to a socket; or a connection to be accepted. */
struct sim_segment {
    struct list link;
    uint64_t due_ns;
    enum { SEGMENT_DATA, SEGMENT_END, SEGMENT_RESET, SEGMENT_CONNECTION } kind;
    int fd;             /* SEGMENT_CONNECTION: the server's end */
    size_t len, offset; /* of data, and how much of it was received already */
    char data[];
};

struct sim_socket {
    struct sim *sim;
    int fd;
    uint16_t port;           /* a listener's, else 0 */
    struct sim_socket *peer; /* NULL: none, or closed */
    struct list flight;      /* not yet arrived, in order */
    struct list arrived;     /* to be received or accepted, in order */
    size_t bytes;            /* in both */
    uint64_t last_due_ns;    /* streams arrive in order */
    bool ended, reset;       /* arrived */
    /* Ops of an io that wait for something here, and that io. */
    struct io_op *in, *out;
    struct sim_io *io;
};

struct sim_socket *sim_socket_of(struct sim *sim, int fd);
/* Delivers what is due. */
void sim_net_deliver(struct sim *sim);
void sim_net_destroy(struct sim *sim);
void sim_net_describe(struct sim *sim, FILE *out);
/* As the system calls, but never wait: -EAGAIN. */
int sim_net_accept(struct sim_socket *listener);
int sim_net_recv(struct sim_socket *s, void *buf, size_t len);
int sim_net_send(struct sim_socket *s, const void *buf, size_t len);
void sim_net_close(struct sim_socket *s);

/* A sync that is under way, of a file that stays open meanwhile. */
struct sim_sync {
    struct sim_file *file;
    uint64_t upto;
    uint64_t due_ns;
};

struct sim_sync sim_disk_begin_sync(struct sim *sim, int fd);
/* 0 or -errno. */
int sim_disk_end_sync(struct sim *sim, const struct sim_sync *sync);

/* Something changed on a socket for which op waits. */
void sim_io_notify(struct sim_io *io, struct io_op *op);

#endif
