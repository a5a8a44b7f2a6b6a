#include "shard/type/stream_id.h"

enum { TEXT_BYTES_MAX = 127 }; /* Redis takes no longer ones, however many zeros they begin with */

bool stream_id_increment(struct stream_id *id)
{
    if (++id->seq != 0)
        return true;
    return ++id->ms != 0;
}

bool stream_id_decrement(struct stream_id *id)
{
    if (id->seq-- != 0)
        return true;
    return id->ms-- != 0;
}

struct stream_id stream_id_after(struct stream_id last, int64_t now_ms)
{
    if ((uint64_t)now_ms > last.ms)
        return (struct stream_id){(uint64_t)now_ms, 0};
    stream_id_increment(&last);
    return last;
}

size_t stream_id_text(char dst[static STREAM_ID_CHARS], struct stream_id id)
{
    size_t len = num_u64(dst, id.ms);
    dst[len++] = '-';
    return len + num_u64(dst + len, id.seq);
}

bool stream_id_parse(struct slice text, uint64_t missing_seq, struct stream_id *id)
{
    if (text.len == 0 || text.len > TEXT_BYTES_MAX)
        return false;
    const char *dash = memchr(text.ptr, '-', text.len);
    size_t ms_len = dash ? (size_t)(dash - text.ptr) : text.len;
    id->seq = missing_seq;
    return num_parse_u64(slice_of(text.ptr, ms_len), &id->ms) &&
           (!dash || num_parse_u64(slice_of(dash + 1, text.len - ms_len - 1), &id->seq));
}
