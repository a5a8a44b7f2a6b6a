#include "src/cmd/lcs.h"

#include "src/base/mem.h"

/* length[i * (b.len + 1) + j]: of the longest common subsequence of the first i bytes of a and the first j of b. */
struct lcs {
    struct slice a, b;
    uint32_t *length;
};

static uint32_t *cell(const struct lcs *l, size_t i, size_t j) { return &l->length[i * (l->b.len + 1) + j]; }

static void fill(struct lcs *l)
{
    for (size_t i = 0; i <= l->a.len; i++)
        for (size_t j = 0; j <= l->b.len; j++) {
            if (i == 0 || j == 0) {
                *cell(l, i, j) = 0;
            } else if (l->a.ptr[i - 1] == l->b.ptr[j - 1]) {
                *cell(l, i, j) = *cell(l, i - 1, j - 1) + 1;
            } else {
                uint32_t up = *cell(l, i - 1, j), left = *cell(l, i, j - 1);
                *cell(l, i, j) = up > left ? up : left;
            }
        }
}

static void reply_match(struct reply *r, size_t a, size_t b, size_t len, const struct lcs_options *options)
{
    reply_array(r, 2 + options->match_lengths);
    reply_array(r, 2);
    reply_int(r, (int64_t)a);
    reply_int(r, (int64_t)(a + len - 1));
    reply_array(r, 2);
    reply_int(r, (int64_t)b);
    reply_int(r, (int64_t)(b + len - 1));
    if (options->match_lengths)
        reply_int(r, (int64_t)len);
}

/* Goes back through the table: writes the subsequence to text, if there is any, and answers with the stretches, last
 * first, if the options ask for them. Returns how many. */
static int64_t walk_back(const struct lcs *l, struct reply *r, const struct lcs_options *options, char *text)
{
    size_t i = l->a.len, j = l->b.len, len = 0;
    uint32_t left = *cell(l, i, j);
    int64_t matches = 0;
    while (i > 0 && j > 0) {
        bool same = l->a.ptr[i - 1] == l->b.ptr[j - 1];
        if (same) {
            i--;
            j--;
            len++;
            if (text)
                text[--left] = l->a.ptr[i];
        }
        /* A stretch of len from (i, j) on ends where its bytes do, or where either string begins. */
        if (len > 0 && (!same || i == 0 || j == 0)) {
            if (options->matches && (int64_t)len >= options->match_length_min) {
                reply_match(r, i, j, len, options);
                matches++;
            }
            len = 0;
        }
        if (!same) {
            if (*cell(l, i - 1, j) > *cell(l, i, j - 1))
                i--;
            else
                j--;
        }
    }
    return matches;
}

static bool check(struct reply *r, struct slice a, struct slice b, const struct lcs_options *options,
                  uint64_t memory_max)
{
    unsigned __int128 bytes = (unsigned __int128)(a.len + 1) * (b.len + 1) * sizeof(uint32_t);
    if (options->matches && options->length)
        reply_error(r, "ERR If you want both the length and indexes, please just use IDX.");
    else if (a.len >= UINT32_MAX - 1 || b.len >= UINT32_MAX - 1)
        reply_error(r, "ERR String too long for LCS");
    else if (bytes > memory_max)
        reply_error(r, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    else
        return true;
    return false;
}

void lcs_reply(struct reply *r, struct slice a, struct slice b, const struct lcs_options *options, uint64_t memory_max)
{
    if (!check(r, a, b, options, memory_max))
        return;
    struct lcs l = {a, b, mem_alloc(NULL, (a.len + 1) * (b.len + 1) * sizeof(uint32_t))};
    fill(&l);
    uint32_t length = *cell(&l, a.len, b.len);
    if (options->length) {
        reply_int(r, length);
    } else if (options->matches) {
        reply_map(r, 2);
        reply_bulk_str(r, "matches");
        size_t place = reply_defer(r);
        int64_t matches = walk_back(&l, r, options, NULL);
        reply_defer_end(r, place, '*', matches);
        reply_bulk_str(r, "len");
        reply_int(r, length);
    } else {
        char *text = mem_alloc(NULL, length + 1);
        walk_back(&l, r, options, text);
        reply_bulk(r, text, length);
        mem_free(NULL, text);
    }
    mem_free(NULL, l.length);
}
