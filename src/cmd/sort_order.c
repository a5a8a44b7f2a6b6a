#include "src/cmd/sort_order.h"

#include <stdlib.h>

#include "src/base/mem.h"

/* ---- Texts ----
 *
 * One behind the other: the length, the bytes, and a zero byte for strcoll. */

void sort_order_deinit(struct sort_order *o)
{
    mem_free(NULL, o->texts);
    if (o->locale)
        freelocale(o->locale);
}

size_t sort_order_text(struct sort_order *o, struct slice text)
{
    enum { FIRST_BYTES = 4096 };
    size_t at = o->texts_len, end = at + sizeof text.len + text.len + 1;
    if (end > o->texts_cap) {
        o->texts_cap = 2 * end > FIRST_BYTES ? 2 * end : FIRST_BYTES;
        o->texts = mem_realloc(NULL, o->texts, o->texts_cap);
    }
    memcpy(o->texts + at, &text.len, sizeof text.len);
    memcpy(o->texts + at + sizeof text.len, text.ptr, text.len);
    o->texts[end - 1] = '\0';
    o->texts_len = end;
    return at;
}

static struct slice text_at(const struct sort_order *o, size_t at)
{
    struct slice text = {.ptr = o->texts + at + sizeof text.len};
    memcpy(&text.len, o->texts + at, sizeof text.len);
    return text;
}

/* ---- Comparing ---- */

static int compare_bytes(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_elements(struct listpack_value a, struct listpack_value b)
{
    char a_digits[NUM_INT_CHARS], b_digits[NUM_INT_CHARS];
    return compare_bytes(listpack_text_of(a, a_digits), listpack_text_of(b, b_digits));
}

static int compare_texts(const struct sort_order *o, const struct sort_item *a, const struct sort_item *b)
{
    int order;
    if (a->text == SORT_NO_TEXT || b->text == SORT_NO_TEXT)
        order = (a->text != SORT_NO_TEXT) - (b->text != SORT_NO_TEXT);
    else if (o->locale)
        order = strcoll_l(text_at(o, a->text).ptr, text_at(o, b->text).ptr, o->locale);
    else
        order = compare_bytes(text_at(o, a->text), text_at(o, b->text));
    return order || !o->element_decides ? order : compare_elements(a->element, b->element);
}

static int compare_scores(const struct sort_item *a, const struct sort_item *b)
{
    int order = (a->score > b->score) - (a->score < b->score);
    return order ? order : compare_elements(a->element, b->element);
}

/* No two are equal: so the result does not depend on how it is sorted. */
static int compare(const void *first, const void *second, void *arg)
{
    const struct sort_item *a = first, *b = second;
    struct sort_order *o = arg;
    sort_order_step(o);
    int order = o->as_text ? compare_texts(o, a, b) : compare_scores(a, b);
    if (order == 0)
        return (a->index > b->index) - (a->index < b->index);
    return (order > 0) == o->descending ? -1 : 1;
}

/* ---- Arranging ---- */

/* Exchanges items until v[k] is in its place, those before it before it, and those behind it behind it. k < n. Source:
 * Hoare, Algorithm 65 (FIND), with random pivots. */
static void divide(struct sort_order *o, struct sort_item *v, uint64_t n, uint64_t k)
{
    int64_t low = 0, high = (int64_t)n - 1, wanted = (int64_t)k;
    while (low < high) {
        struct sort_item pivot = v[low + (int64_t)random_below(o->cmd->random, (uint64_t)(high - low) + 1)];
        int64_t i = low, j = high;
        while (i <= j) {
            while (compare(&v[i], &pivot, o) < 0)
                i++;
            while (compare(&v[j], &pivot, o) > 0)
                j--;
            if (i <= j) {
                struct sort_item other = v[i];
                v[i++] = v[j];
                v[j--] = other;
            }
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            return;
    }
}

void sort_arrange(struct sort_order *o, struct sort_item *items, uint64_t n, uint64_t first, uint64_t count)
{
    if (count == 0)
        return;
    if (first > 0)
        divide(o, items, n, first);
    if (first + count < n)
        divide(o, items + first, n - first, count);
    qsort_r(items + first, count, sizeof *items, compare, o);
}
