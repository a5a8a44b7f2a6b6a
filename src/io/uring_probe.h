/* Setting up an io_uring of the best kind that this kernel and this process's sandbox allow, and finding out by trying
 * whether it can do what uring.c needs. Keeps nothing. */
#ifndef SKUA_IO_URING_PROBE_H
#define SKUA_IO_URING_PROBE_H

#include <liburing.h>
#include <stdbool.h>

struct uring_traits {
    unsigned setup_flags; /* IORING_SETUP_*; without the sizes */
    bool quiet_sends;     /* a send that was short or failed completes, though its success is not to (see uring.c) */
    bool msg_ring;
};

/* Fills traits. NULL, or a static text that says why not. */
const char *uring_probe(struct uring_traits *traits);

/* Makes a disabled ring with traits' flags. -errno on failure. */
int uring_setup(struct io_uring *ring, const struct uring_traits *traits);
/* Lets the calling thread, and with SINGLE_ISSUER no other, use it. -errno on failure. */
int uring_enable(struct io_uring *ring);

#endif
