#include "src/server/digest.h"

#include <arpa/inet.h>
#include <sha1.h>
#include <stdio.h>

#include "shard/entry.h"
#include "src/base/assert.h"

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

void digest_value(struct digest *d, const struct entry *e)
{
    uint32_t type = htonl(e->type);
    digest_mix(d, &type, sizeof type);
    ASSERT(e->type == TYPE_STRING);
    char int_buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice value = entry_string(e, int_buf, &blob);
    digest_mix(d, value.ptr, value.len);
    if (entry_expiry_ms(e) != EXPIRY_NONE)
        digest_xor(d, "!!expire!!", 10);
}

void digest_text(const struct digest *d, char out[static 2 * DIGEST_BYTES + 1])
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        sprintf(out + 2 * i, "%02x", d->bytes[i]);
}
