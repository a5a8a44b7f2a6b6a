#include "tests/sim/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shard/entry.h"
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/mem.h"

static void picture_entry(void *arg, struct entry *e)
{
    struct picture *p = arg;
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice key = entry_key(e), value = entry_string(e, buf, &blob);
    size_t bytes = key.len + value.len + 64;
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->lines = mem_realloc(NULL, p->lines, p->cap * sizeof p->lines[0]);
    }
    char *line = p->lines[p->n++] = mem_alloc(NULL, bytes);
    int n = snprintf(line, bytes, "%u %.*s %" PRId64 " ", p->db, (int)key.len, key.ptr, entry_expiry_ms(e));
    for (size_t i = 0; i < value.len; i++) /* SETRANGE puts zeros */
        line[n++] = value.ptr[i] ? value.ptr[i] : '_';
    line[n] = '\0';
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
