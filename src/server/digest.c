#include "src/server/digest.h"

#include <arpa/inet.h>
#include <sha1.h>
#include <stdio.h>

#include "shard/entry.h"
#include "shard/type/stream.h"
#include "src/base/assert.h"
#include "src/base/dtoa.h"
#include "src/base/num.h"

static void sha1(struct digest *out, const void *data, size_t len)
{
    SHA1_CTX context;
    SHA1Init(&context);
    SHA1Update(&context, data, len);
    SHA1Final(out->bytes, &context);
}

void digest_xor(struct digest *d, const void *data, size_t len)
{
    struct digest h;
    sha1(&h, data, len);
    for (int i = 0; i < DIGEST_BYTES; i++)
        d->bytes[i] ^= h.bytes[i];
}

void digest_mix(struct digest *d, const void *data, size_t len)
{
    digest_xor(d, data, len);
    struct digest before = *d;
    sha1(d, before.bytes, DIGEST_BYTES);
}

/* An element of an ordered value. */
static void mix_element(void *arg, struct slice element, struct slice none)
{
    digest_mix(arg, element.ptr, element.len);
}

/* An element of an unordered value. */
static void xor_pair(void *arg, struct slice first, struct slice second)
{
    struct digest *d = arg, pair = {0};
    digest_mix(&pair, first.ptr, first.len);
    digest_mix(&pair, second.ptr, second.len);
    digest_xor(d, pair.bytes, DIGEST_BYTES);
}

static void xor_member(void *arg, struct slice first, struct slice second)
{
    digest_xor(arg, first.ptr, first.len);
}

/* Of a sorted set; of its score the digest has another text than replies have. */
static void xor_scored(void *arg, struct slice member, struct slice score)
{
    char text[DTOA_CHARS];
    double v = 0;
    num_parse_double(score, &v);
    xor_pair(arg, member, slice_of(text, dtoa_auto(text, v)));
}

static void mix_pair(void *d, struct slice first, struct slice second)
{
    digest_mix(d, first.ptr, first.len);
    digest_mix(d, second.ptr, second.len);
}

/* Of a stream its messages only, as Redis. */
static void mix_stream(struct digest *d, const struct stream *s)
{
    struct stream_cursor at;
    for (bool more = stream_find(s, STREAM_ID_MIN, &at); more; more = stream_next(&at)) {
        char id[STREAM_ID_CHARS];
        size_t len = stream_id_text(id, at.message.id);
        *(char *)memchr(id, '-', len) = '.';
        digest_mix(d, id, len);
        stream_message_each(&at.message, mix_pair, d);
    }
}

void digest_value(struct digest *d, const struct entry *e)
{
    enum { STREAM_IN_REDIS = 6 }; /* modules come before */
    uint32_t type = htonl(e->type == TYPE_STREAM ? STREAM_IN_REDIS : e->type);
    digest_mix(d, &type, sizeof type);
    char int_buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice text;
    switch ((enum value_type)e->type) {
    case TYPE_STRING:
        text = entry_string(e, int_buf, &blob);
        digest_mix(d, text.ptr, text.len);
        break;
    case TYPE_LIST:
        value_each(entry_typed_value(e), mix_element, d);
        break;
    case TYPE_SET:
        value_each(entry_typed_value(e), xor_member, d);
        break;
    case TYPE_HASH:
        value_each(entry_typed_value(e), xor_pair, d);
        break;
    case TYPE_ZSET:
        value_each(entry_typed_value(e), xor_scored, d);
        break;
    case TYPE_STREAM:
        mix_stream(d, entry_value(e));
        break;
    default:
        ASSERT(!"a type");
    }
    if (entry_expiry_ms(e) != EXPIRY_NONE)
        digest_xor(d, "!!expire!!", 10);
}

void digest_text(const struct digest *d, char out[static 2 * DIGEST_BYTES + 1])
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        sprintf(out + 2 * i, "%02x", d->bytes[i]);
}
