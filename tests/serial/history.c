#include "tests/serial/history.h"

#include <inttypes.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "tests/serial/model.h"

/* Bytes are handed out from chunks that never move and are freed together. */
struct chunk {
    struct chunk *next;
    size_t used, cap;
    _Alignas(16) char data[];
};

enum { CHUNK_BYTES = 16 * 1024, PRINTED_BYTES_MAX = 40 };

void history_init(struct history *h) { *h = (struct history){0}; }

void history_clear(struct history *h)
{
    while (h->chunks) {
        struct chunk *c = h->chunks;
        h->chunks = c->next;
        mem_free(NULL, c);
    }
    mem_free(NULL, h->ops);
    history_init(h);
}

static void *allocate(struct history *h, size_t len)
{
    len = (len + 15) & ~(size_t)15;
    if (!h->chunks || h->chunks->cap - h->chunks->used < len) {
        size_t cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;
        struct chunk *c = mem_alloc(NULL, sizeof(*c) + cap);
        *c = (struct chunk){.next = h->chunks, .cap = cap};
        h->chunks = c;
    }
    void *ptr = h->chunks->data + h->chunks->used;
    h->chunks->used += len;
    return ptr;
}

struct slice history_copy(struct history *h, const void *ptr, size_t len)
{
    char *copy = allocate(h, len);
    if (len)
        memcpy(copy, ptr, len);
    return slice_of(copy, len);
}

void history_adopt(struct history *h, struct history *from)
{
    ASSERT(from->nops == 0);
    struct chunk **end = &h->chunks; /* behind ours, whose first still has room */
    while (*end)
        end = &(*end)->next;
    *end = from->chunks;
    from->chunks = NULL;
}

static int key_number(struct history *h, struct slice key)
{
    for (uint32_t i = 0; i < h->nkeys; i++)
        if (slice_eq(h->keys[i], key))
            return (int)i;
    ASSERT(h->nkeys < HISTORY_KEYS_MAX);
    h->keys[h->nkeys] = key;
    return (int)h->nkeys++;
}

struct op *history_add(struct history *h, uint32_t client, uint32_t argc, const struct slice *argv)
{
    ASSERT(argc <= OP_ARGS_MAX && h->nops < HISTORY_OPS_MAX && h->shape.nshards <= HISTORY_SHARDS_MAX);
    if ((h->nops & (h->nops - 1)) == 0) /* room for the next power of two */
        h->ops = mem_realloc(NULL, h->ops, sizeof(h->ops[0]) * (h->nops ? 2 * h->nops : 1));
    struct op *op = &h->ops[h->nops++];
    *op = (struct op){.client = client, .argc = argc, .answered = EVENT_NEVER};
    op->row = model_row(argv[0]);
    ASSERT(op->row && model_arity_fits(op->row, argc));
    op->argv = allocate(h, argc * sizeof(op->argv[0]));
    op->key_of_arg = allocate(h, argc);
    for (uint32_t i = 0; i < argc; i++) {
        op->argv[i] = history_copy(h, argv[i].ptr, argv[i].len);
        op->key_of_arg[i] = -1;
        if (!model_is_key(op->row, argc, i))
            continue;
        int k = key_number(h, op->argv[i]);
        op->key_of_arg[i] = (int8_t)k;
        op->keys |= 1u << k;
        if (h->shape.nshards)
            op->shards |= UINT64_C(1) << key_make(&h->shape, op->argv[i]).shard;
    }
    if (op->row->flags & MODEL_ALL_SHARDS) {
        op->keys = UINT32_MAX;
        op->shards = h->shape.nshards ? UINT64_MAX >> (64 - h->shape.nshards) : 0;
    }
    return op;
}

struct op *history_add_text(struct history *h, uint32_t client, const char *text)
{
    struct slice words[OP_ARGS_MAX];
    uint32_t n = 0;
    for (const char *word = text;; n++) {
        ASSERT(n < OP_ARGS_MAX);
        size_t len = strcspn(word, " ");
        words[n] = slice_of(word, len);
        if (!word[len])
            break;
        word += len + 1;
    }
    return history_add(h, client, n + 1, words);
}

static bool is_wide(const struct op *op) { return (op->shards & (op->shards - 1)) != 0; }

bool history_in_order(const struct history *h, const struct op *a, const struct op *b)
{
    if (a->client != b->client || a->connection != b->connection)
        return false;
    if (h->order == PIPELINE_STRICT || (a->keys & b->keys))
        return true;
    return (b->row->flags & MODEL_SIGNAL) || is_wide(a) || is_wide(b);
}

void history_prefix(const struct history *h, uint64_t event, struct history *out)
{
    *out = *h;
    out->chunks = NULL;
    out->nops = 0;
    out->ops = mem_alloc(NULL, sizeof(h->ops[0]) * (h->nops + 1));
    for (uint32_t i = 0; i < h->nops; i++) {
        if (h->ops[i].invoked > event)
            continue;
        struct op *op = &out->ops[out->nops++];
        *op = h->ops[i];
        if (op->answered > event)
            op->answered = EVENT_NEVER;
    }
}

static void print_bytes(struct slice s, FILE *to)
{
    for (size_t i = 0; i < s.len && i < PRINTED_BYTES_MAX; i++) {
        if (s.ptr[i] == '\r' || s.ptr[i] == '\n')
            fputs(s.ptr[i] == '\r' ? "\\r" : "\\n", to);
        else
            fputc(s.ptr[i], to);
    }
    if (s.len > PRINTED_BYTES_MAX)
        fprintf(to, "...(%zu bytes)", s.len);
}

static int by_invocation(const void *a, const void *b)
{
    const struct op *x = *(struct op *const *)a, *y = *(struct op *const *)b;
    if (x->invoked != y->invoked)
        return x->invoked < y->invoked ? -1 : 1;
    return x < y ? -1 : x > y;
}

void history_print(const struct history *h, FILE *to)
{
    const struct op **sorted = mem_alloc(NULL, sizeof(*sorted) * (h->nops + 1));
    for (uint32_t i = 0; i < h->nops; i++)
        sorted[i] = &h->ops[i];
    qsort(sorted, h->nops, sizeof(*sorted), by_invocation);
    fprintf(to, "pipeline-order %s; sent, answered, client.pipeline, database, shards, command, reply\n",
            h->order == PIPELINE_STRICT ? "strict" : "relaxed");
    for (uint32_t i = 0; i < h->nops; i++) {
        const struct op *op = sorted[i];
        if (op->answered == EVENT_NEVER)
            fprintf(to, "%6" PRIu64 "      -", op->invoked);
        else
            fprintf(to, "%6" PRIu64 " %6" PRIu64, op->invoked, op->answered);
        fprintf(to, "  %u.%-3u %u %2" PRIx64 " ", op->client, op->pipeline, op->db, op->shards);
        for (uint32_t a = 0; a < op->argc; a++) {
            fputc(' ', to);
            print_bytes(op->argv[a], to);
        }
        fputs("  ->  ", to);
        print_bytes(op->answered == EVENT_NEVER ? slice_str("(unknown)") : op->reply, to);
        fputc('\n', to);
    }
    mem_free(NULL, sorted);
}
