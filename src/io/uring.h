/* The io_uring backend, for tests that take away from it what older kernels lack. All others use io.h. */
#ifndef SKUA_IO_URING_H
#define SKUA_IO_URING_H

#include "src/io/io.h"
#include "src/io/uring_probe.h"

/* As io_create, for a ring of these traits. config has no zeros. */
int uring_create_with(struct io **out, const struct io_config *config, const struct uring_traits *traits);

#endif
