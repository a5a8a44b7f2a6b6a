#include "tests/serial/collection.h"

#include "src/base/assert.h"
#include "src/base/mem.h"

enum kind collection_kind(struct slice value)
{
    bool is_marked = value.len > 0 && value.ptr[0] > KIND_STRING && value.ptr[0] <= KIND_HASH;
    return is_marked ? (enum kind)value.ptr[0] : KIND_STRING;
}

void collection_load(struct collection *c, enum kind kind, struct slice value)
{
    c->kind = kind;
    c->n = 0;
    if (value.len == 0)
        return;
    ASSERT(collection_kind(value) == kind && kind != KIND_STRING);
    for (const char *p = value.ptr + 1, *end = value.ptr + value.len; p < end;) {
        size_t len = (size_t)((const char *)memchr(p, '\n', (size_t)(end - p)) - p);
        ASSERT(c->n < COLLECTION_MAX);
        c->elements[c->n++] = slice_of(p, len);
        p += len + 1;
    }
}

uint32_t collection_number(const struct collection *c, struct values *values)
{
    size_t len = 1;
    if (c->n == 0)
        return VALUE_NONE;
    for (uint32_t i = 0; i < c->n; i++)
        len += c->elements[i].len + 1;
    char *text = mem_alloc(NULL, len), *end = text;
    *end++ = (char)c->kind;
    for (uint32_t i = 0; i < c->n; i++) {
        memcpy(end, c->elements[i].ptr, c->elements[i].len);
        end += c->elements[i].len;
        *end++ = '\n';
    }
    uint32_t number = values_number(values, slice_of(text, len));
    mem_free(NULL, text);
    return number;
}

void collection_insert(struct collection *c, uint32_t at, struct slice element)
{
    ASSERT(at <= c->n && c->n < COLLECTION_MAX);
    memmove(c->elements + at + 1, c->elements + at, (c->n - at) * sizeof c->elements[0]);
    c->elements[at] = element;
    c->n++;
}

struct slice collection_remove(struct collection *c, uint32_t at)
{
    ASSERT(at < c->n);
    struct slice element = c->elements[at];
    c->n--;
    memmove(c->elements + at, c->elements + at + 1, (c->n - at) * sizeof c->elements[0]);
    return element;
}

static int compare(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool collection_find(const struct collection *c, struct slice element, uint32_t *at)
{
    ASSERT(c->kind != KIND_LIST);
    *at = 0;
    while (*at < c->n && compare(c->elements[*at], element) < 0)
        ++*at;
    return *at < c->n && slice_eq(c->elements[*at], element);
}

bool collection_add(struct collection *c, struct slice element)
{
    uint32_t at;
    if (collection_find(c, element, &at))
        return false;
    collection_insert(c, at, element);
    return true;
}

bool collection_drop(struct collection *c, struct slice element)
{
    uint32_t at;
    if (!collection_find(c, element, &at))
        return false;
    collection_remove(c, at);
    return true;
}
