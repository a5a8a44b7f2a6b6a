/* Listpacks from outside: whatever the bytes, they are refused, or every reader and every change gives what it should.
 * What is accepted is in the one encoding that there is for it. The last byte of the input chooses what is changed. */
#include "shard/ds/listpack.h"

#include "src/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct listpack *put_value(struct listpack *lp, struct listpack_value v)
{
    return listpack_insert(NULL, lp, listpack_first(lp), &v, 1);
}

/* Made anew from its elements, from the last to the first, it is the same. */
static void check_same_anew(const struct listpack *lp)
{
    struct listpack *anew = listpack_create(NULL, 0);
    char buf[NUM_INT_CHARS];
    for (uint32_t at = listpack_last(lp); at; at = listpack_prev(lp, at))
        anew = put_value(anew, listpack_value_of(listpack_text_of(listpack_get(lp, at), buf)));
    anew->count = lp->count; /* a listpack may say that it has not counted */
    ASSERT(slice_eq(listpack_bytes(anew), listpack_bytes(lp)));
    mem_free(NULL, anew);
}

static void check_readers(const struct listpack *lp)
{
    uint32_t n = 0, before = LISTPACK_NONE;
    for (uint32_t at = listpack_first(lp); at; before = at, at = listpack_next(lp, at), n++) {
        uint32_t found = listpack_find(lp, listpack_first(lp), listpack_get(lp, at), 0);
        ASSERT(found && found <= at && listpack_value_eq(listpack_get(lp, found), listpack_get(lp, at)));
        ASSERT(listpack_find(lp, at, listpack_get(lp, at), 1) == at);
        ASSERT(listpack_prev(lp, at) == before && listpack_seek(lp, n) == at);
    }
    ASSERT(listpack_last(lp) == before && listpack_count(lp) == n && listpack_seek(lp, n) == LISTPACK_NONE);
    ASSERT(listpack_is_empty(lp) == (n == 0));
}

/* Changes something and changes it back. */
static struct listpack *change(struct mem_account *account, struct listpack *lp, uint8_t choice)
{
    uint32_t at = listpack_seek(lp, choice / 8), place = at ? at : listpack_end(lp);
    struct listpack_value v[] = {listpack_integer(choice), listpack_value_of(slice_str("some string"))};
    struct listpack *rest, *old = listpack_copy(account, lp);
    if (!at || choice % 4 == 0) {
        lp = listpack_insert(account, lp, at, v, 2);
        lp = listpack_delete(account, lp, place, 2);
    } else if (choice % 4 == 1) {
        lp = listpack_replace(account, lp, at, v[1]);
        lp = listpack_replace(account, lp, at, listpack_get(old, at));
    } else if (choice % 4 == 2) {
        lp = listpack_split(account, lp, at, &rest);
        lp = listpack_join(account, lp, rest);
    } else {
        struct listpack_value gone = listpack_get(old, at);
        lp = listpack_delete_places(account, lp, &at, 1);
        lp = listpack_insert(account, lp, listpack_still(lp, at), &gone, 1);
    }
    ASSERT(slice_eq(listpack_bytes(lp), listpack_bytes(old)));
    mem_free(account, old);
    return lp;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mem_account account = {0};
    if (size == 0)
        return 0;
    struct listpack *lp = listpack_load(&account, slice_of(data, size - 1));
    if (!lp)
        return 0;
    check_same_anew(lp);
    check_readers(lp);
    lp = change(&account, lp, data[size - 1]);
    check_readers(lp);
    mem_free(&account, lp);
    ASSERT(mem_used(&account) == 0);
    return 0;
}
