/* The request parser: whatever the bytes, a stream gives the same commands and the same error whole and in pieces, with
 * and without receiving large bulks directly. The first byte of the input chooses how the rest is cut. */
#include "src/wire/parse.h"

#include <stdint.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/hash.h"
#include "src/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPEAT_BYTE = 0x1f, REPEAT = 40000 };

/* What came out of a stream, as a hash of it. */
struct outcome {
    uint64_t hash;
    uint64_t commands;
    size_t consumed;
};

static void note(struct outcome *o, const void *bytes, size_t len)
{
    o->hash = hash_bytes(bytes, len, o->hash * 31 + len);
}

/* Parses all that can be of in; whether the stream may go on. */
static bool drain(struct parser *p, char *in, size_t *len, bool direct, char **dst, size_t *dst_left, struct outcome *o)
{
    struct arg_arena args = {0};
    struct arg_blobs blobs = {0};
    struct parse_result result;
    enum parse_status status;
    do {
        /* by what was parsed before, not by how the stream is cut */
        const struct parse_limits limits = {1 << 20, !(o->commands & 8)};
        status = parse_next(p, slice_of(in, *len), &limits, &args, &blobs, &result);
        for (uint32_t i = 0; i < args.n; i++)
            note(o, args.v[i].ptr, args.v[i].len);
        ASSERT(status == PARSE_COMMAND ? args.n > 0 && args.n == result.argc : args.n == 0 && blobs.n == 0);
        while (blobs.n > 0)
            blob_release(blobs.v[--blobs.n].blob);
        args.n = 0;
        if (status == PARSE_COMMAND || status == PARSE_EMPTY) {
            o->commands += status == PARSE_COMMAND;
            o->consumed += result.consumed;
            ASSERT(result.consumed > 0 && result.consumed <= *len);
            *len -= result.consumed;
            memmove(in, in + result.consumed, *len);
        }
    } while (status == PARSE_COMMAND || status == PARSE_EMPTY);
    if (status == PARSE_ERROR)
        note(o, result.error, strlen(result.error));
    if (status == PARSE_BULK && direct) {
        size_t moved;
        *dst_left = parse_take_bulk(p, slice_of(in, *len), dst, &moved);
        *len -= moved;
    }
    mem_free(NULL, args.v);
    mem_free(NULL, blobs.v);
    return status != PARSE_ERROR;
}

static struct outcome run(const char *stream, size_t size, size_t piece, bool direct)
{
    struct parser p = {0};
    struct outcome o = {0};
    char *in = malloc(size + 1), *dst = NULL;
    size_t len = 0, dst_left = 0;
    bool open = true;
    for (size_t at = 0; at < size && open;) {
        size_t n = piece < size - at ? piece : size - at;
        if (dst_left > 0) {
            n = n < dst_left ? n : dst_left;
            memcpy(dst, stream + at, n);
            dst += n;
            dst_left -= n;
            if (dst_left == 0)
                parse_bulk_received(&p);
        } else {
            memcpy(in + len, stream + at, n);
            len += n;
        }
        at += n;
        if (dst_left == 0)
            open = drain(&p, in, &len, direct, &dst, &dst_left, &o);
        ASSERT(parse_memory(&p) < 16 * at + (1 << 20));
    }
    parse_reset(&p);
    free(in);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    /* A byte that stands for many, so that short inputs reach large bulks and long lines. */
    size_t len = 0, cap = size + 4 * REPEAT, repeats = 0;
    char *stream = malloc(cap);
    for (size_t i = 1; i < size; i++) {
        if (data[i] == REPEAT_BYTE && ++repeats <= 4) {
            memset(stream + len, '1', REPEAT);
            len += REPEAT;
        } else {
            stream[len++] = (char)data[i];
        }
    }
    size_t piece = repeats ? 5000 + data[0] * 100 : 1 + data[0] % 40;
    bool direct = data[0] & 1;
    struct outcome whole = run(stream, len, len, false), pieces = run(stream, len, piece, direct);
    ASSERT(whole.hash == pieces.hash && whole.commands == pieces.commands);
    ASSERT(direct || whole.consumed == pieces.consumed); /* what is received directly is never in the input */
    free(stream);
    return 0;
}
