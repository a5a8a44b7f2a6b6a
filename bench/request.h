/* What the load generator asks and what it expects to be answered.
 *
 * Keys are `key:` and twelve digits (16 bytes); a key's value begins with the key itself, so that a reply that was
 * swapped with another, or belongs to another key, is seen. Requests walk over a shuffled list of all keys: each key is
 * used before one comes again, and neighbours in time are no neighbours in the server's memory. Building a request is
 * copying and eight digits, checking an expected reply a few comparisons: a generator that costs as much as the server
 * measures itself. Owner: the generator's only thread. Knows no sockets and no time. */
#ifndef SKUA_BENCH_REQUEST_H
#define SKUA_BENCH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_kind { REQUEST_GET, REQUEST_SET, REQUEST_MGET, REQUEST_MSET };

enum { REQUEST_KEY_BYTES = 16, REQUEST_VALUE_BYTES_MAX = 65536, REQUEST_KEYS_MAX = 100000000 };

/* One request that was sent: what it asked and where in the workload's order its first key is. */
struct request {
    enum request_kind kind;
    uint32_t position;
};

struct workload {
    enum request_kind kind;
    unsigned writes_percent;   /* of kind GET, how many are SET instead */
    unsigned keys_per_command; /* of MGET and MSET */
    unsigned value_bytes;      /* at least REQUEST_KEY_BYTES */
    uint32_t key_count;
    uint32_t position; /* the next key, in order */
    uint32_t *order;   /* owned: the numbers of all keys */
    uint64_t random;
    char *filler; /* owned: what follows the key in a value, and CRLF */
};

/* Makes the order: key_count numbers from first_key on, shuffled or (for filling a server) as they come. The fields
 * kind to key_count are the caller's. */
void workload_init(struct workload *w, uint32_t first_key, bool shuffled);
void workload_deinit(struct workload *w);

/* The bytes that the longest request of this workload takes. */
size_t workload_request_bytes_max(const struct workload *w);

/* Writes the next request to `to` and says in r what it was. Returns its bytes. */
size_t workload_next(struct workload *w, char *to, struct request *r);

#define REPLY_PARTIAL   ((size_t)0)
#define REPLY_MALFORMED SIZE_MAX

/* The bytes of the reply to r at the start of the `bytes` bytes at p, REPLY_PARTIAL if it goes on behind them, or
 * REPLY_MALFORMED if it is no RESP2. *expected says whether it is what a right server answers when all keys are there.
 */
size_t workload_check(const struct workload *w, const struct request *r, const char *p, size_t bytes, bool *expected);

#endif
