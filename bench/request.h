/* What the load generator asks and what it expects to be answered: the commands of a table, written from templates.
 *
 * Keys are `key:` and twelve digits (16 bytes); a key's value begins with the key itself, so that a reply that was
 * swapped with another, or belongs to another key, is seen. Requests walk over a shuffled list of all keys: each key is
 * used before one comes again, and neighbours in time are no neighbours in the server's memory. The elements of small
 * collections are numbered, and each round over the keys uses the next ones; those of one large collection are keys.
 * Building a request is copying and some digits, checking an expected reply a few comparisons, or as many as it has
 * elements: a generator that costs as much as the server measures itself. Owner: the generator's only thread. Knows no
 * sockets and no time. */
#ifndef SKUA_BENCH_REQUEST_H
#define SKUA_BENCH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_KEY_BYTES = 16, REQUEST_VALUE_BYTES_MAX = 65536, REQUEST_KEYS_MAX = 100000000 };

/* A command. Its words in small letters stand for what changes from request to request (REQUEST_WORDS_HELP); those
 * between parentheses come per_command times, each time with the next key, or the next element if there is no key. */
struct request_command {
    const char *name;
    const char *words;
    const char *reply;       /* what a right one begins with; NULL: the value of its key, or those of its keys */
    unsigned writes_percent; /* how many requests are SET instead */
};

extern const struct request_command request_commands[]; /* ended by one without a name */
extern const char REQUEST_WORDS_HELP[];

struct request_template;

/* One request that was sent: what it asked and where in the workload's order its first key is. */
struct request {
    const struct request_template *template;
    uint32_t position;
};

struct workload {
    const struct request_command *command;
    unsigned per_command; /* keys or elements of one that takes several */
    unsigned value_bytes; /* at least REQUEST_KEY_BYTES */
    uint32_t key_count;
    uint32_t element;       /* the number of the next one */
    uint32_t element_count; /* behind that many the first one comes again; 0: never */
    uint32_t position;      /* of the next key in order */
    uint32_t *order;        /* owned: the numbers of all keys */
    uint64_t random;
    struct request_template *asked, *written; /* owned: the command, and SET */
};

/* Makes the order: key_count numbers from first_key on, shuffled or (for filling a server) as they come. The fields
 * command to element_count are the caller's. */
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
