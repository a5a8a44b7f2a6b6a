/* IDs of messages in streams: milliseconds and a number within them, written "ms-seq". Semantics: Redis 7.4
 * t_stream.c. */
#ifndef SKUA_SHARD_TYPE_STREAM_ID_H
#define SKUA_SHARD_TYPE_STREAM_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/num.h"
#include "src/base/slice.h"

struct stream_id {
    uint64_t ms, seq;
};

#define STREAM_ID_MIN ((struct stream_id){0, 0})
#define STREAM_ID_MAX ((struct stream_id){UINT64_MAX, UINT64_MAX})

enum { STREAM_ID_CHARS = 2 * NUM_INT_CHARS + 1 };

/* Less than 0, 0 or more than 0. */
static inline int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

static inline bool stream_id_is_min(struct stream_id id) { return id.ms == 0 && id.seq == 0; }

/* The next and the previous one. False: there is none; then the ID wraps around. */
bool stream_id_increment(struct stream_id *id);
bool stream_id_decrement(struct stream_id *id);

/* What a message gets that is added at that time behind last. Not greater than last if that is the greatest. */
struct stream_id stream_id_after(struct stream_id last, int64_t now_ms);

/* Writes its text, unterminated, and returns the length. */
size_t stream_id_text(char dst[static STREAM_ID_CHARS], struct stream_id id);

/* "ms-seq", or "ms", which gets missing_seq. */
bool stream_id_parse(struct slice text, uint64_t missing_seq, struct stream_id *id);

#endif
