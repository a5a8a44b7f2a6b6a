#include "tests/sim/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shard/entry.h"
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/mem.h"
#include "tests/serial/resp.h"

/* SETRANGE puts zeros. */
static void put_text(struct bytes *line, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        bytes_put(line, text.ptr[i] ? &text.ptr[i] : "_", 1);
}

static void put_element(void *arg, struct slice first, struct slice second)
{
    put_text(arg, first);
    bytes_put(arg, " ", 1);
    put_text(arg, second);
    bytes_put(arg, ",", 1);
}

static void picture_entry(void *arg, struct entry *e)
{
    struct picture *p = arg;
    char buf[ENTRY_INT_BUF_BYTES], head[64];
    struct blob *blob;
    struct bytes line = {0};
    bytes_put(&line, head, (size_t)snprintf(head, sizeof head, "%u ", p->db));
    bytes_put(&line, entry_key(e).ptr, entry_key(e).len);
    bytes_put(&line, head, (size_t)snprintf(head, sizeof head, " %" PRId64 " ", entry_expiry_ms(e)));
    if (e->type == TYPE_STRING)
        put_text(&line, entry_string(e, buf, &blob));
    else
        value_each(entry_typed_value(e), put_element, &line);
    bytes_put(&line, "", 1);
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->lines = mem_realloc(NULL, p->lines, p->cap * sizeof p->lines[0]);
    }
    p->lines[p->n++] = line.ptr;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

void picture_take(struct picture *p, const struct server *s, uint32_t databases, int64_t now_ms)
{
    *p = (struct picture){0};
    for (uint32_t i = 0; i < s->nworkers; i++) {
        ASSERT(s->shards[i]->user == i);
        shard_begin(s->shards[i], i, now_ms, NULL);
        for (p->db = 0; p->db < databases; p->db++)
            ASSERT(keyspace_scan(s->shards[i]->keyspace, p->db, 0, UINT32_MAX, UINT32_MAX, picture_entry, p) == 0);
    }
    if (p->n)
        qsort(p->lines, p->n, sizeof p->lines[0], by_text);
}

void picture_free(struct picture *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        mem_free(NULL, p->lines[i]);
    mem_free(NULL, p->lines);
}

bool picture_equal(const char *name_a, const struct picture *a, const char *name_b, const struct picture *b)
{
    uint32_t i = 0, k = 0;
    bool equal = true;
    while (i < a->n || k < b->n) {
        int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->lines[i], b->lines[k]);
        if (order != 0)
            fprintf(stderr, "only %s: %.200s\n", order < 0 ? name_a : name_b, order < 0 ? a->lines[i] : b->lines[k]);
        equal = equal && order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return equal;
}
