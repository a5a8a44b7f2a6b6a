#include "src/cmd/keys.h"

#include "src/base/assert.h"
#include "src/cmd/table.h"

/* Whether the specification says the keys without looking at arguments. */
static bool is_plain_range(const struct key_spec *spec)
{
    return spec->begin == BEGIN_INDEX && spec->find == FIND_RANGE && !(spec->flags & KEY_INCOMPLETE);
}

static bool is_last_spec(const struct key_spec *spec)
{
    return spec->begin == BEGIN_UNKNOWN && spec->find == FIND_UNKNOWN && spec->flags == 0;
}

uint32_t command_key_specs(const struct command *row)
{
    uint32_t n = 0;
    while (n < COMMAND_KEY_SPECS_MAX && !is_last_spec(&row->keys[n]))
        n++;
    return n;
}

/* Whether b goes on where a ends, with the same step, so that both are one range. */
static bool continues(const struct key_spec *a, const struct key_spec *b)
{
    return is_plain_range(b) && a->last >= 0 && a->step == 1 && b->step == 1 && b->index == a->index + a->last + 1;
}

void command_keys_prepare(struct command *row)
{
    uint32_t n = command_key_specs(row);
    for (uint32_t i = 0; i < n; i++) {
        if (!is_plain_range(&row->keys[i]))
            row->flags |= CMD_MOVABLE_KEYS;
    }
    row->key_form = n > 0 ? KEYS_OTHER : KEYS_NONE;
    if (n == 1 && row->keys[0].flags & KEY_NOT_KEY) {
        row->key_form = KEYS_NONE;
        return;
    }
    /* A function that only gives better flags (SET) is no reason to route slowly. */
    bool position_by_function = row->find_keys && !(row->keys[0].flags & KEY_VARIABLE_FLAGS);
    if (n == 0 || position_by_function || !is_plain_range(&row->keys[0]))
        return;
    const struct key_spec *first = &row->keys[0], *last = first;
    for (uint32_t i = 1; i < n; i++) {
        if (!continues(last, &row->keys[i]))
            return;
        last = &row->keys[i];
    }
    row->key_first = (int16_t)first->index;
    row->key_last = (int16_t)(last->last >= 0 ? last->index + last->last : last->last);
    row->key_step = (int16_t)first->step;
    row->key_form = row->key_first == row->key_last ? KEYS_ONE : KEYS_RANGE;
    row->one_key = row->key_form == KEYS_ONE && row->run && !row->route &&
                   !(row->flags & (CMD_HOME | CMD_ALL_SHARDS | CMD_FIBER));
    int arguments_min = row->arity < 0 ? -row->arity : row->arity;
    ASSERT(row->key_first < arguments_min && row->key_last < arguments_min);
}

/* A decimal number of keys: digits only, no sign, as small as an argument count. */
static bool parse_key_count(struct slice s, uint32_t *count)
{
    if (s.len == 0 || s.len > 9 || (s.ptr[0] == '0' && s.len > 1))
        return false;
    uint32_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (uint32_t)(s.ptr[i] - '0');
    }
    *count = n;
    return true;
}

/* Index behind the keyword, 0 if it is not there. A negative start looks backwards. */
static uint32_t find_begin(const struct key_spec *spec, uint32_t argc, const struct slice *argv)
{
    if (spec->begin == BEGIN_INDEX)
        return (uint32_t)spec->index;
    if (spec->begin == BEGIN_UNKNOWN)
        return 0;
    if (spec->start_from > 0) {
        for (uint32_t i = (uint32_t)spec->start_from; i + 1 < argc; i++) {
            if (slice_is(argv[i], spec->keyword))
                return i + 1;
        }
    } else {
        for (int64_t i = (int64_t)argc + spec->start_from; i > 0; i--) {
            if (slice_is(argv[i], spec->keyword))
                return (uint32_t)i + 1;
        }
    }
    return 0;
}

/* Appends the keys of one specification to found[*n..argc); false if the command line makes no sense. */
static bool find_by_spec(const struct key_spec *spec, uint32_t argc, const struct slice *argv,
                         struct key_position *found, uint32_t *n)
{
    int64_t first = find_begin(spec, argc, argv);
    if (first == 0)
        return true; /* a word that is not there */
    int64_t last, step;
    if (spec->find == FIND_RANGE) {
        step = spec->step;
        if (spec->last >= 0)
            last = first + spec->last;
        else if (spec->limit > 1)
            last = first + (argc - first) / spec->limit + spec->last;
        else
            last = (int64_t)argc + spec->last;
    } else if (spec->find == FIND_KEYNUM) {
        uint32_t count;
        int64_t at = first + spec->keynum_index;
        if (at >= argc || !parse_key_count(argv[at], &count) || count == 0)
            return false;
        step = spec->keystep;
        first += spec->first;
        last = first + ((int64_t)count - 1) * step;
    } else {
        return true;
    }
    if (last >= argc)
        return spec->begin == BEGIN_KEYWORD; /* STORE as the last word: the other keys are still keys */
    for (int64_t i = first; i <= last && *n < argc; i += step)
        found[(*n)++] = (struct key_position){(uint32_t)i, spec->flags};
    return true;
}

uint32_t command_find_keys(const struct command *row, uint32_t argc, const struct slice *argv,
                           struct key_position *found)
{
    if (row->find_keys)
        return row->find_keys(argc, argv, found);
    uint32_t n = 0, specs = command_key_specs(row);
    for (uint32_t i = 0; i < specs; i++) {
        if (!(row->keys[i].flags & KEY_NOT_KEY) && !find_by_spec(&row->keys[i], argc, argv, found, &n))
            return 0;
    }
    return n;
}

/* SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC|DESC] [ALPHA] [STORE key]: of several STORE the
 * last one counts, and what belongs to another option is not taken for one. */
uint32_t keys_of_sort(uint32_t argc, const struct slice *argv, struct key_position *found)
{
    uint32_t n = keys_of_sort_ro(argc, argv, found);
    for (uint32_t i = 2; i < argc; i++) {
        if (slice_is(argv[i], "limit")) {
            i += 2;
        } else if (slice_is(argv[i], "by") || slice_is(argv[i], "get")) {
            i += 1;
        } else if (slice_is(argv[i], "store") && i + 1 < argc) {
            found[1] = (struct key_position){++i, KEY_OW | KEY_UPDATE};
            n = 2;
        }
    }
    return n;
}

uint32_t keys_of_sort_ro(uint32_t argc, const struct slice *argv, struct key_position *found)
{
    (void)argc, (void)argv;
    found[0] = (struct key_position){1, KEY_RO | KEY_ACCESS};
    return 1;
}

/* MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password] [AUTH2 user password] [KEYS key ...] */
uint32_t keys_of_migrate(uint32_t argc, const struct slice *argv, struct key_position *found)
{
    enum { FLAGS = KEY_RW | KEY_ACCESS | KEY_DELETE };
    for (uint32_t i = 6; i < argc; i++) {
        if (slice_is(argv[i], "auth")) {
            i += 1;
        } else if (slice_is(argv[i], "auth2")) {
            i += 2;
        } else if (slice_is(argv[i], "keys")) {
            if (argv[3].len > 0 && i + 1 == argc)
                break; /* nothing behind it: not the option */
            if (argv[3].len > 0)
                return 0;
            uint32_t n = 0;
            for (i++; i < argc; i++)
                found[n++] = (struct key_position){i, FLAGS};
            return n;
        }
    }
    found[0] = (struct key_position){3, FLAGS};
    return 1;
}

/* GEORADIUS and GEORADIUSBYMEMBER: behind the index every key that a STORE or STOREDIST names, the last of which the
 * command takes. */
uint32_t keys_of_georadius(uint32_t argc, const struct slice *argv, struct key_position *found)
{
    uint32_t n = 0;
    found[n++] = (struct key_position){1, KEY_RO | KEY_ACCESS};
    for (uint32_t i = 5; i + 1 < argc; i++)
        if (slice_is(argv[i], "store") || slice_is(argv[i], "storedist"))
            found[n++] = (struct key_position){++i, KEY_OW | KEY_UPDATE};
    return n;
}

/* SET reads the old value only with GET. */
uint32_t keys_of_set(uint32_t argc, const struct slice *argv, struct key_position *found)
{
    found[0] = (struct key_position){1, KEY_OW | KEY_UPDATE};
    for (uint32_t i = 3; i < argc; i++) {
        if (slice_is(argv[i], "get"))
            found[0].flags = KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return 1;
}

/* BITFIELD writes unless all its operations are GET. */
uint32_t keys_of_bitfield(uint32_t argc, const struct slice *argv, struct key_position *found)
{
    found[0] = (struct key_position){1, KEY_RO | KEY_ACCESS};
    for (uint32_t i = 2; i < argc; i++) {
        uint32_t left = argc - i - 1;
        if (slice_is(argv[i], "get") && left >= 2) {
            i += 2;
        } else if ((slice_is(argv[i], "set") || slice_is(argv[i], "incrby")) && left >= 3) {
            found[0].flags = KEY_RW | KEY_ACCESS | KEY_UPDATE;
            i += 3;
        } else if (slice_is(argv[i], "overflow") && left >= 1) {
            i += 1;
        } else {
            found[0].flags = KEY_RW | KEY_ACCESS | KEY_UPDATE; /* a syntax error: the worst is assumed */
        }
    }
    return 1;
}

/* XREAD and XREADGROUP [GROUP group consumer] [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...]: as
 * the specification says, but that a group or a consumer may be called STREAMS. */
uint32_t keys_of_xread(uint32_t argc, const struct slice *argv, struct key_position *found)
{
    uint32_t i = 1, n = 0;
    while (i < argc && !slice_is(argv[i], "streams")) {
        if (slice_is(argv[i], "block") || slice_is(argv[i], "count"))
            i += 2;
        else if (slice_is(argv[i], "group"))
            i += 3;
        else
            i += 1;
    }
    for (i++; i < argc && n < (argc - i) / 2; n++)
        found[n] = (struct key_position){i + n, KEY_RO | KEY_ACCESS};
    return n;
}
