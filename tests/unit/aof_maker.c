#include "tests/unit/aof_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "persist/aof_format.h"
#include "persist/rdb_format.h"

static void put(struct made_part *part, const void *bytes, size_t len)
{
    assert_true(part->len + len <= MADE_PART_BYTES_MAX);
    memcpy(part->bytes + part->len, bytes, len);
    part->len += len;
}

void aof_maker_put_text(struct made_part *part, const char *text) { put(part, text, strlen(text)); }

static void put_words(struct made_part *part, uint32_t argc, const struct slice *argv)
{
    part->len += (size_t)sprintf(part->bytes + part->len, "*%u\r\n", argc);
    for (uint32_t i = 0; i < argc; i++) {
        part->len += (size_t)sprintf(part->bytes + part->len, "$%zu\r\n", argv[i].len);
        put(part, argv[i].ptr, argv[i].len);
        aof_maker_put_text(part, "\r\n");
    }
}

static void put_word(struct made_part *part, const char *word)
{
    put_words(part, 1, &(struct slice){word, strlen(word)});
}

static void put_select(struct made_part *part, const char *name, uint32_t db)
{
    char text[12];
    sprintf(text, "%u", db);
    put_words(part, 2, (struct slice[]){slice_str(name), slice_str(text)});
}

void aof_maker_put_set(struct made_part *part, uint32_t number, size_t value_len)
{
    static char value[MADE_LARGE_BYTES];
    char key[12];
    sprintf(key, "%u", number);
    memset(value, 'v', value_len);
    put_words(part, 3, (struct slice[]){slice_str("SET"), slice_str(key), slice_of(value, value_len)});
}

void aof_maker_new_part(struct aof_maker *m)
{
    struct made *made = m->made;
    if (m->part && !(made->nparts == 1 && made->first_is_base))
        m->start += m->part->len;
    assert_true(made->nparts < MADE_PARTS_MAX);
    m->part = &made->parts[made->nparts++];
    if (!m->part->bytes)
        m->part->bytes = malloc(MADE_PART_BYTES_MAX);
    m->part->len = 0;
}

void aof_maker_put_file_line(struct aof_maker *m, uint32_t version, uint64_t start)
{
    struct aof_file_line line = {.version = version, .hash_seed = 1, .start = start};
    m->part->len += aof_write_file_line(m->part->bytes + m->part->len, &line);
}

void aof_maker_put_batch(struct aof_maker *m, unsigned commands, bool transaction, bool knows, uint32_t db,
                         size_t value_len)
{
    static char effects_bytes[MADE_PART_BYTES_MAX], batch[MADE_PART_BYTES_MAX];
    struct made_part effects = {effects_bytes, 0};
    put_select(&effects, "select", db);
    for (unsigned i = 0; i < commands; i++) {
        aof_maker_put_set(&effects, m->number++, value_len);
        m->first_command_end = i ? m->first_command_end : effects.len;
    }
    size_t len = aof_write_batch(batch, slice_of(effects.bytes, effects.len), transaction);
    struct aof_header header = {.sequence = ++m->sequence,
                                .length = len,
                                .synced = knows ? m->start + m->part->len : 0,
                                .sum = aof_batch_sum(slice_of(batch, len))};
    m->part->len += aof_write_header(m->part->bytes + m->part->len, &header);
    m->header_end = m->part->len;
    m->first_command_end += m->part->len + (transaction ? strlen("*1\r\n$5\r\nmulti\r\n") : 0);
    put(m->part, batch, len);
}

static void put_transaction(struct aof_maker *m, bool whole)
{
    put_word(m->part, "MULTI");
    put_select(m->part, "SELECT", 0);
    aof_maker_put_set(m->part, m->number++, 3);
    aof_maker_put_set(m->part, m->number++, 3);
    if (whole)
        put_word(m->part, "EXEC");
}

/* An RDB with one key. */
static void put_rdb(struct aof_maker *m)
{
    char text[32];
    aof_maker_put_text(m->part, "REDIS0010");
    int len = sprintf(text, "%u", m->number++);
    put(m->part, (char[]){RDB_TYPE_STRING, (char)len}, 2);
    put(m->part, text, (size_t)len);
    put(m->part, (char[]){1, 'v', (char)RDB_END}, 3);
    put(m->part, (char[8]){0}, 8);
}

static void put_zeros(struct made_part *part, size_t n)
{
    memset(part->bytes + part->len, 0, n);
    part->len += n;
}

static void change(struct aof_maker *m, char how)
{
    struct made_part *p = m->part;
    size_t middle = m->item + (p->len - m->item) / 2;
    switch (how) {
    case '<': /* the second half of the last item is cut off */
        p->len = middle;
        break;
    case '(': /* cut behind the first SET of the last batch */
        p->len = m->first_command_end;
        break;
    case '[': /* cut inside the header of the last batch */
        p->len = m->item + 12;
        break;
    case ']': /* cut behind the header of the last batch */
        p->len = m->header_end;
        break;
    case 'x': /* a byte of the last item is changed */
        p->bytes[middle] ^= 1;
        break;
    case 'y': /* a byte of the last value is changed */
        p->bytes[p->len - 4] ^= 1;
        break;
    case 'X': /* a byte of the header of the last batch is changed */
        p->bytes[m->item + 10] ^= 1;
        break;
    case 'z': /* the second half of the last item is zeros */
        memset(p->bytes + middle, 0, p->len - middle);
        break;
    case '-': /* the last item is lost */
        p->len = m->item;
        break;
    default:
        fail_msg("what is %c?", how);
    }
}

static void put_item(struct aof_maker *m, char what)
{
    switch (what) {
    case 'f': /* a first line */
        aof_maker_put_file_line(m, AOF_VERSION, m->start);
        break;
    case 'F': /* one that says that this file begins later */
        aof_maker_put_file_line(m, AOF_VERSION, m->start + 7);
        break;
    case 'p': /* one that says that it begins earlier */
        aof_maker_put_file_line(m, AOF_VERSION, m->start - 1);
        break;
    case 'V':
        aof_maker_put_file_line(m, AOF_VERSION + 1, m->start);
        break;
    case 'b': /* a batch */
        aof_maker_put_batch(m, 1, false, false, 0, 3);
        break;
    case 'd': /* in database 3 */
        aof_maker_put_batch(m, 1, false, false, 3, 3);
        break;
    case 'k': /* that knows everything before it to be on disk */
        aof_maker_put_batch(m, 1, false, true, 0, 3);
        break;
    case 't': /* that is a transaction */
        aof_maker_put_batch(m, 2, true, false, 0, 3);
        break;
    case 'n': /* of two commands that is none */
        aof_maker_put_batch(m, 2, false, false, 0, 3);
        break;
    case 'l':
        aof_maker_put_batch(m, 1, false, false, 0, MADE_LARGE_BYTES);
        break;
    case 's':
        aof_maker_put_text(m->part, "#TS:1700000000\r\n");
        break;
    case 'a':
        aof_maker_put_text(m->part, "# somebody else's\r\n");
        break;
    case 'r': /* what Redis writes first */
        put_select(m->part, "SELECT", 0);
        aof_maker_put_set(m->part, m->number++, 3);
        break;
    case 'c':
        aof_maker_put_set(m->part, m->number++, 3);
        break;
    case 'L':
        aof_maker_put_set(m->part, m->number++, MADE_LARGE_BYTES);
        break;
    case 'm': /* a transaction of Redis */
        put_transaction(m, true);
        break;
    case 'o': /* without its end */
        put_transaction(m, false);
        break;
    case 'e':
        put_word(m->part, "EXEC");
        break;
    case 'g':
        aof_maker_put_text(m->part, "garbage\r\n");
        break;
    case 'u':
        put_word(m->part, "NOTHING");
        break;
    case '0':
        put_zeros(m->part, 5000);
        break;
    case 'D':
        put_rdb(m);
        break;
    default:
        change(m, what);
    }
}

void aof_maker_begin(struct aof_maker *m, struct made *made)
{
    made->nparts = 0;
    *m = (struct aof_maker){.made = made, .number = 1};
}

void aof_maker_make(struct aof_maker *m, struct made *made, const char *letters)
{
    aof_maker_begin(m, made);
    made->first_is_base = *letters == 'B';
    aof_maker_new_part(m);
    for (const char *p = letters + made->first_is_base; *p; p++) {
        size_t begin = m->part->len;
        if (*p == '|') {
            aof_maker_new_part(m);
        } else if (*p == '^') {
            m->mark_part = made->nparts - 1;
            m->mark = begin;
        } else if (*p == '+') {
            m->sequence++;
        } else if (*p == '~') {
            m->sequence--;
        } else {
            put_item(m, *p);
            m->item = m->part->len > begin ? begin : m->item;
        }
    }
}

void made_free(struct made *made)
{
    for (int i = 0; i < MADE_PARTS_MAX; i++)
        free(made->parts[i].bytes);
}
