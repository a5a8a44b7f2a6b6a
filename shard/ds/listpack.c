#include "shard/ds/listpack.h"

#include "shard/ds/flat.h"
#include "src/base/assert.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "header and integers are little-endian");
_Static_assert(LISTPACK_FIRST == 6, "the format");

enum { COUNT_UNKNOWN = UINT16_MAX, END = 0xff };

/* First bytes. Integers up to 127 and strings up to 63 bytes are told from the others by their high bits. */
enum {
    STRING_6BIT = 0x80,
    INT_13BIT = 0xc0,
    STRING_12BIT = 0xe0,
    STRING_32BIT = 0xf0,
    INT_16BIT,
    INT_24BIT,
    INT_32BIT,
    INT_64BIT,
};

enum { STRING_6BIT_MAX = 63, STRING_12BIT_MAX = 4095, BACK_BYTES_MAX = 5 };

/* The sizes, content and size behind it together, of elements that begin with a byte; 0: more bytes have to be looked
 * at, or there is no such element. A walk is this table: branches by kind of element would be
 * slower as soon as kinds are mixed. */
#define SAME_16(n) n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n
#define FROM_16(n)                                                                                                     \
    n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9, n + 10, n + 11, n + 12, n + 13, n + 14, n + 15
static const uint8_t fixed_size[256] = {
    SAME_16(2),      SAME_16(2),      SAME_16(2),      SAME_16(2),
    SAME_16(2),      SAME_16(2),      SAME_16(2),      SAME_16(2),  /* 0 to 127 */
    FROM_16(2),      FROM_16(18),     FROM_16(34),     FROM_16(50), /* STRING_6BIT */
    SAME_16(3),      SAME_16(3),                                    /* INT_13BIT */
    [INT_16BIT] = 4, [INT_24BIT] = 5, [INT_32BIT] = 6, [INT_64BIT] = 10,
};

static const uint8_t *byte_at(const struct listpack *lp, uint32_t at) { return (const uint8_t *)lp + at; }

/* How many bytes the size of a content takes behind it. That 16383 and its like take one more than they need is
 * Redis's, and part of the format. */
static size_t back_bytes(size_t content)
{
    return content <= 127 ? 1 : content < 16383 ? 2 : content < 2097151 ? 3 : content < 268435455 ? 4 : 5;
}

/* Seven bits a byte, the lowest last; all but the first are marked, so that it can be read from the end. */
static uint8_t *put_back_size(uint8_t *p, size_t content)
{
    size_t n = back_bytes(content);
    for (size_t i = n; i-- > 0; content >>= 7)
        p[i] = (uint8_t)((content & 127) | (i ? 128 : 0));
    return p + n;
}

/* The whole size of the element at p. */
static size_t size_of(const uint8_t *p)
{
    size_t content = fixed_size[*p];
    if (content)
        return content;
    if (*p < STRING_32BIT) {
        content = 2 + ((size_t)(*p & 15) << 8 | p[1]);
    } else {
        uint32_t len;
        memcpy(&len, p + 1, sizeof len);
        content = 5 + (size_t)len;
    }
    return content + back_bytes(content);
}

static size_t integer_bytes(int64_t v)
{
    if (v >= 0 && v <= 127)
        return 1;
    if (v >= -4096 && v <= 4095)
        return 2;
    if (v >= INT16_MIN && v <= INT16_MAX)
        return 3;
    if (v >= -(1 << 23) && v < 1 << 23)
        return 4;
    return v >= INT32_MIN && v <= INT32_MAX ? 5 : 9;
}

static size_t content_bytes(struct listpack_value v)
{
    if (!v.string)
        return integer_bytes(v.integer);
    return (v.len <= STRING_6BIT_MAX ? 1 : v.len <= STRING_12BIT_MAX ? 2 : 5) + v.len;
}

static uint8_t *put_integer(uint8_t *p, int64_t v)
{
    static const uint8_t first[] = {[3] = INT_16BIT, [4] = INT_24BIT, [5] = INT_32BIT, [9] = INT_64BIT};
    size_t n = integer_bytes(v);
    if (n == 1) {
        *p = (uint8_t)v;
    } else if (n == 2) {
        p[0] = (uint8_t)(INT_13BIT | (v >> 8 & 31));
        p[1] = (uint8_t)v;
    } else {
        *p = first[n];
        memcpy(p + 1, &v, n - 1);
    }
    return p + n;
}

static uint8_t *put_string(uint8_t *p, const char *string, size_t len)
{
    if (len <= STRING_6BIT_MAX) {
        *p++ = (uint8_t)(STRING_6BIT | len);
    } else if (len <= STRING_12BIT_MAX) {
        *p++ = (uint8_t)(STRING_12BIT | len >> 8);
        *p++ = (uint8_t)len;
    } else {
        uint32_t len32 = (uint32_t)len;
        *p++ = STRING_32BIT;
        memcpy(p, &len32, sizeof len32);
        p += sizeof len32;
    }
    memcpy(p, string, len);
    return p + len;
}

static uint8_t *put(uint8_t *p, struct listpack_value v)
{
    uint8_t *end = v.string ? put_string(p, v.string, v.len) : put_integer(p, v.integer);
    return put_back_size(end, (size_t)(end - p));
}

struct listpack_value listpack_value_of(struct slice text)
{
    int64_t v;
    if (text.len && text.len <= NUM_INT_CHARS && *text.ptr <= '9' && num_parse_i64(text, &v))
        return listpack_integer(v);
    return (struct listpack_value){.string = text.ptr ? text.ptr : "", .len = text.len};
}

size_t listpack_value_bytes(struct listpack_value v)
{
    size_t content = content_bytes(v);
    return content + back_bytes(content);
}

/* Reading. */

static struct listpack_value get(const uint8_t *p)
{
    int64_t wide = 0;
    uint32_t len;
    uint8_t b = *p;
    if (b < STRING_6BIT)
        return listpack_integer(b);
    if (b < INT_13BIT)
        return (struct listpack_value){.string = (const char *)p + 1, .len = b & STRING_6BIT_MAX};
    if (b < STRING_12BIT) /* shifted up and down again for the sign */
        return listpack_integer((int16_t)((b & 31) << 11 | p[1] << 3) >> 3);
    switch (b) {
    case STRING_32BIT:
        memcpy(&len, p + 1, sizeof len);
        return (struct listpack_value){.string = (const char *)p + 5, .len = len};
    case INT_16BIT:
        memcpy((char *)&wide + 6, p + 1, 2);
        return listpack_integer(wide >> 48);
    case INT_24BIT:
        memcpy((char *)&wide + 5, p + 1, 3);
        return listpack_integer(wide >> 40);
    case INT_32BIT:
        memcpy((char *)&wide + 4, p + 1, 4);
        return listpack_integer(wide >> 32);
    case INT_64BIT:
        memcpy(&wide, p + 1, 8);
        return listpack_integer(wide);
    default:
        return (struct listpack_value){.string = (const char *)p + 2, .len = (size_t)(b & 15) << 8 | p[1]};
    }
}

struct listpack_value listpack_get(const struct listpack *lp, uint32_t at)
{
    DASSERT(at >= LISTPACK_FIRST && at < lp->bytes - 1);
    return get(byte_at(lp, at));
}

uint32_t listpack_next(const struct listpack *lp, uint32_t at)
{
    DASSERT(at >= LISTPACK_FIRST && at < lp->bytes - 1);
    at += (uint32_t)size_of(byte_at(lp, at));
    return *byte_at(lp, at) == END ? LISTPACK_NONE : at;
}

uint32_t listpack_prev(const struct listpack *lp, uint32_t at)
{
    DASSERT(at >= LISTPACK_FIRST && at < lp->bytes);
    if (at == LISTPACK_FIRST)
        return LISTPACK_NONE;
    const uint8_t *p = byte_at(lp, at - 1);
    size_t content = *p & 127;
    for (unsigned shift = 7; *p & 128; shift += 7)
        content |= (size_t)(*--p & 127) << shift;
    return at - (uint32_t)(content + back_bytes(content));
}

uint32_t listpack_last(const struct listpack *lp) { return listpack_prev(lp, listpack_end(lp)); }

uint32_t listpack_count(const struct listpack *lp)
{
    if (lp->count != COUNT_UNKNOWN)
        return lp->count;
    uint32_t n = 0;
    for (const uint8_t *p = lp->elements; *p != END; p += size_of(p))
        n++;
    return n;
}

uint32_t listpack_seek(const struct listpack *lp, int64_t index)
{
    bool backwards = index < 0;
    if (lp->count != COUNT_UNKNOWN) {
        index += backwards ? lp->count : 0;
        if (index < 0 || index >= lp->count)
            return LISTPACK_NONE;
        backwards = index > lp->count / 2;
        index -= backwards ? lp->count : 0;
    }
    uint32_t at = backwards ? listpack_last(lp) : listpack_first(lp);
    for (; at && index > 0; index--)
        at = listpack_next(lp, at);
    for (; at && index < -1; index++)
        at = listpack_prev(lp, at);
    return at;
}

/* The next place to look at after p, or NULL at the end. */
static const uint8_t *step(const uint8_t *p, uint32_t skip)
{
    do {
        p += size_of(p);
        if (*p == END)
            return NULL;
    } while (skip--);
    return p;
}

static uint64_t load_8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Finds a content of 2 to 64 bytes whose size the first byte tells. Most others differ in that; most of the rest in
 * their last eight bytes (fields that are counted up differ at the end), which are one load: before the eighth byte of
 * the first element lies the header. */
static const uint8_t *find_short(const uint8_t *p, const uint8_t *content, size_t n, uint32_t skip)
{
    size_t tail_bytes = n < 8 ? n : 8;
    uint64_t tail = 0, mask = UINT64_MAX << (64 - 8 * tail_bytes);
    memcpy((char *)&tail + 8 - tail_bytes, content + n - tail_bytes, tail_bytes);
    for (; p; p = step(p, skip)) {
        if (*p == *content && ((load_8(p + n - 8) ^ tail) & mask) == 0 && (n <= 9 || memcmp(p, content, n - 8) == 0))
            return p;
    }
    return NULL;
}

static const uint8_t *find_byte(const uint8_t *p, uint8_t content, uint32_t skip)
{
    while (p && *p != content)
        p = step(p, skip);
    return p;
}

static const uint8_t *find_long(const uint8_t *p, struct listpack_value v, uint32_t skip)
{
    while (p && !listpack_value_eq(get(p), v))
        p = step(p, skip);
    return p;
}

uint32_t listpack_find(const struct listpack *lp, uint32_t from, struct listpack_value v, uint32_t skip)
{
    if (from == LISTPACK_NONE)
        return LISTPACK_NONE;
    uint8_t content[1 + STRING_6BIT_MAX];
    const uint8_t *found, *p = byte_at(lp, from);
    if (v.string && v.len > STRING_6BIT_MAX) {
        found = find_long(p, v, skip);
    } else {
        uint8_t *end = v.string ? put_string(content, v.string, v.len) : put_integer(content, v.integer);
        size_t n = (size_t)(end - content);
        found = n == 1 ? find_byte(p, *content, skip) : find_short(p, content, n, skip);
    }
    return found ? (uint32_t)(found - (const uint8_t *)lp) : LISTPACK_NONE;
}

uint32_t listpack_find_all(const struct listpack *lp, struct listpack_value v, uint32_t *places)
{
    uint32_t n = 0, at = listpack_find(lp, listpack_first(lp), v, 0);
    for (; at != LISTPACK_NONE; at = listpack_find(lp, listpack_next(lp, at), v, 0))
        places[n++] = at;
    return n;
}

/* Changing. */

struct listpack *listpack_create(struct mem_account *account, size_t room)
{
    struct listpack *lp = mem_alloc(account, LISTPACK_FIRST + room + 1);
    lp->bytes = LISTPACK_FIRST + 1;
    lp->count = 0;
    lp->elements[0] = END;
    return lp;
}

struct listpack *listpack_copy(struct mem_account *account, const struct listpack *lp)
{
    return memcpy(mem_alloc(account, lp->bytes), lp, lp->bytes);
}

struct listpack *listpack_shrink(struct mem_account *account, struct listpack *lp)
{
    return flat_shrink(account, lp, lp->bytes, 0);
}

/* Makes the gap from at to to a gap of added bytes, and says in the header that n elements came for removed ones. */
static struct listpack *change_gap(struct mem_account *account, struct listpack *lp, uint32_t at, uint32_t to,
                                   size_t added, uint32_t removed, uint32_t n)
{
    size_t old_bytes = lp->bytes, bytes = old_bytes - (to - at) + added;
    ASSERT(at >= LISTPACK_FIRST && at <= to && to < old_bytes && bytes <= UINT32_MAX);
    if (bytes > old_bytes)
        lp = flat_grow(account, lp, bytes);
    memmove((uint8_t *)lp + at + added, byte_at(lp, to), old_bytes - to);
    lp->bytes = (uint32_t)bytes;
    if (lp->count != COUNT_UNKNOWN) {
        uint32_t count = lp->count - removed + n;
        lp->count = count < COUNT_UNKNOWN ? (uint16_t)count : COUNT_UNKNOWN;
    }
    return bytes < old_bytes ? flat_shrink(account, lp, bytes, flat_spare(bytes)) : lp;
}

struct listpack *listpack_insert(struct mem_account *account, struct listpack *lp, uint32_t at,
                                 const struct listpack_value *v, uint32_t n)
{
    size_t added = 0;
    at = at ? at : listpack_end(lp);
    for (uint32_t i = 0; i < n; i++)
        added += listpack_value_bytes(v[i]);
    lp = change_gap(account, lp, at, at, added, 0, n);
    uint8_t *p = (uint8_t *)lp + at;
    for (uint32_t i = 0; i < n; i++)
        p = put(p, v[i]);
    return lp;
}

struct listpack *listpack_replace(struct mem_account *account, struct listpack *lp, uint32_t at,
                                  struct listpack_value v)
{
    uint32_t old_size = (uint32_t)size_of(byte_at(lp, at));
    size_t size = listpack_value_bytes(v);
    if (size != old_size)
        lp = change_gap(account, lp, at, at + old_size, size, 1, 1);
    put((uint8_t *)lp + at, v);
    return lp;
}

struct listpack *listpack_delete(struct mem_account *account, struct listpack *lp, uint32_t at, uint32_t n)
{
    const uint8_t *p = byte_at(lp, at);
    uint32_t removed = 0;
    for (; removed < n && *p != END; removed++)
        p += size_of(p);
    return change_gap(account, lp, at, (uint32_t)(p - (const uint8_t *)lp), 0, removed, 0);
}

struct listpack *listpack_delete_places(struct mem_account *account, struct listpack *lp, const uint32_t *places,
                                        uint32_t n)
{
    if (n == 0)
        return lp;
    uint8_t *base = (uint8_t *)lp, *to = base + places[0];
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *kept = base + places[i] + size_of(base + places[i]);
        uint8_t *end = base + (i + 1 < n ? places[i + 1] : listpack_end(lp));
        memmove(to, kept, (size_t)(end - kept));
        to += end - kept;
    }
    return change_gap(account, lp, (uint32_t)(to - base), listpack_end(lp), 0, n, 0);
}

struct listpack *listpack_split(struct mem_account *account, struct listpack *lp, uint32_t at, struct listpack **rest)
{
    uint32_t end = listpack_end(lp), moved = 0;
    for (const uint8_t *p = byte_at(lp, at); *p != END; p += size_of(p))
        moved++;
    *rest = change_gap(account, listpack_create(account, end - at), LISTPACK_FIRST, LISTPACK_FIRST, end - at, 0, moved);
    memcpy((*rest)->elements, byte_at(lp, at), end - at);
    return change_gap(account, lp, at, end, 0, moved, 0);
}

struct listpack *listpack_join(struct mem_account *account, struct listpack *lp, struct listpack *tail)
{
    uint32_t end = listpack_end(lp), added = listpack_end(tail) - LISTPACK_FIRST;
    lp = change_gap(account, lp, end, end, added, 0, tail->count);
    memcpy((uint8_t *)lp + end, tail->elements, added);
    mem_free(account, tail);
    return lp;
}

/* Picking. */

uint32_t listpack_places(const struct listpack *lp, uint32_t every, uint32_t *places)
{
    uint32_t n = 0;
    for (const uint8_t *p = *lp->elements == END ? NULL : lp->elements; p; p = step(p, every - 1))
        places[n++] = (uint32_t)(p - (const uint8_t *)lp);
    return n;
}

uint32_t listpack_sample(const struct listpack *lp, uint32_t every, uint32_t n, struct random *random, uint32_t *places)
{
    uint32_t left = listpack_count(lp) / every, picked = 0;
    for (const uint8_t *p = lp->elements; left && picked < n; left--) {
        if (random_below(random, left) < n - picked)
            places[picked++] = (uint32_t)(p - (const uint8_t *)lp);
        p = left > 1 ? step(p, every - 1) : p;
    }
    return picked;
}

/* Bytes from outside. */

/* The size of the element at p if it is one and ends before end; else 0. */
static size_t checked_size(const uint8_t *p, const uint8_t *end)
{
    uint8_t back[BACK_BYTES_MAX];
    size_t header = *p < STRING_12BIT || (*p > STRING_32BIT && *p <= INT_64BIT) ? 1 : *p < STRING_32BIT ? 2 : 5;
    if (*p > INT_64BIT || header > (size_t)(end - p))
        return 0;
    size_t size = size_of(p);
    if (size > (size_t)(end - p))
        return 0;
    size_t content = size - 1;
    while (content + back_bytes(content) != size)
        content--;
    put_back_size(back, content);
    return memcmp(p + content, back, size - content) == 0 ? size : 0;
}

/* Whether what lies at p is what put would have made of it. */
static bool is_shortest(const uint8_t *p)
{
    struct listpack_value v = get(p);
    if (v.string && v.len <= NUM_INT_CHARS && !listpack_value_of(slice_of(v.string, v.len)).string)
        return false;
    return listpack_value_bytes(v) == size_of(p);
}

/* The same elements as they are encoded here. */
static struct listpack *encode_anew(struct mem_account *account, const struct listpack *lp)
{
    struct listpack *anew = listpack_create(account, lp->bytes);
    for (const uint8_t *p = lp->elements; *p != END; p += size_of(p)) {
        struct listpack_value v = get(p);
        anew = listpack_append(account, anew, v.string ? listpack_value_of(slice_of(v.string, v.len)) : v);
    }
    return listpack_shrink(account, anew);
}

struct listpack *listpack_load(struct mem_account *account, struct slice bytes)
{
    const struct listpack *lp = (const struct listpack *)bytes.ptr;
    if (bytes.len < LISTPACK_FIRST + 1 || lp->bytes != bytes.len)
        return NULL;
    const uint8_t *p = lp->elements, *end = (const uint8_t *)bytes.ptr + bytes.len - 1;
    uint32_t n = 0;
    bool shortest = true;
    for (size_t size; p < end; p += size, n++) {
        size = checked_size(p, end);
        if (size == 0)
            return NULL;
        shortest = shortest && is_shortest(p);
    }
    if (*end != END || (lp->count != COUNT_UNKNOWN && lp->count != n))
        return NULL;
    return shortest ? listpack_copy(account, lp) : encode_anew(account, lp);
}
