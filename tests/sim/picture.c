#include "tests/sim/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shard/entry.h"
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/mem.h"

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Makes line n of a growing array, which has room for bytes of text. */
static char *add_line(char ***lines, uint32_t *n, uint32_t *cap, size_t bytes)
{
    if (*n == *cap) {
        *cap = *cap ? 2 * *cap : 64;
        *lines = mem_realloc(NULL, *lines, *cap * sizeof **lines);
    }
    return (*lines)[(*n)++] = mem_alloc(NULL, bytes);
}

/* ---- Values ---- */

struct elements {
    char **texts;
    uint32_t n, cap;
    size_t bytes; /* of all */
};

static void note_element(void *arg, struct slice first, struct slice second)
{
    struct elements *all = arg;
    size_t bytes = first.len + second.len + 3;
    char *text = add_line(&all->texts, &all->n, &all->cap, bytes);
    all->bytes += bytes;
    snprintf(text, bytes, " %.*s=%.*s", (int)first.len, first.ptr, (int)second.len, second.ptr);
}

/* The encoding and the elements, in order if that is not chance. The caller frees it. */
static char *text_of_elements(const struct typed_value v)
{
    struct elements all = {0};
    value_each(v, note_element, &all);
    if (v.type != TYPE_LIST)
        qsort(all.texts, all.n, sizeof all.texts[0], by_text);
    const char *encoding = encoding_name(v.encoding);
    char *text = mem_alloc(NULL, strlen(encoding) + all.bytes + 1), *end = stpcpy(text, encoding);
    for (uint32_t i = 0; i < all.n; i++) {
        end = stpcpy(end, all.texts[i]);
        mem_free(NULL, all.texts[i]);
    }
    mem_free(NULL, all.texts);
    return text;
}

/* The caller frees it. */
static char *text_of_string(const struct entry *e)
{
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice value = entry_string(e, buf, &blob);
    char *text = mem_alloc(NULL, value.len + 1);
    for (size_t i = 0; i < value.len; i++) /* SETRANGE puts zeros */
        text[i] = value.ptr[i] ? value.ptr[i] : '_';
    text[value.len] = '\0';
    return text;
}

/* ---- Keys ---- */

static void picture_entry(void *arg, struct entry *e)
{
    struct picture *p = arg;
    struct slice key = entry_key(e);
    char *value = e->type == TYPE_STRING ? text_of_string(e) : text_of_elements(entry_typed_value(e));
    size_t bytes = key.len + strlen(value) + 64;
    char *line = add_line(&p->lines, &p->n, &p->cap, bytes);
    snprintf(line, bytes, "%u %.*s %" PRId64 " %s", p->db, (int)key.len, key.ptr, entry_expiry_ms(e), value);
    mem_free(NULL, value);
}

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
