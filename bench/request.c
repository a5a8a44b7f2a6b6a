#include "bench/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 8, WORD_CHARS_MAX = 15, DIGITS_MAX = 8 };

/* ---- Commands ---- */

const struct request_command request_commands[] = {
    {"get", "GET key", NULL, 0},
    {"set", "SET key value", "+OK\r\n", 0},
    {"mget", "MGET (key)", NULL, 0},
    {"mset", "MSET (key value)", "+OK\r\n", 0},
    {"mixed", "GET key", NULL, 10},

    {"rpush", "RPUSH key (element)", ":", 0},
    {"lpush", "LPUSH key (element)", ":", 0},
    {"rpop", "RPOP key", "$16\r\n", 0},
    {"lrange", "LRANGE key 0 99", "*100\r\n", 0},
    {"hset", "HSET key (element value)", ":", 0},
    {"hget", "HGET key element", NULL, 0},
    {"hgetall", "HGETALL key", "*40\r\n", 0},
    {"sadd", "SADD key (element)", ":", 0},
    {"sismember", "SISMEMBER key element", ":1\r\n", 0},
    {"spop", "SPOP key", "$16\r\n", 0},
    {"zadd", "ZADD key (score element)", ":", 0},
    {"zscore", "ZSCORE key element", "$7\r\n", 0},
    {"zrange", "ZRANGE key 0 9", "*10\r\n", 0},
    {"zpopmin", "ZPOPMIN key", "*2\r\n", 0},
    {"xadd", "XADD key * FIELD value", "$", 0},
    {"xread", "XREAD COUNT 10 STREAMS key 0", "*1\r\n", 0},
    {"setbit", "SETBIT key bit 1", ":", 0},
    {"pfadd", "PFADD key (element)", ":", 0},

    {"large-rpush", "RPUSH LIST (key)", ":", 0},
    {"large-lindex", "LINDEX LIST index", "$16\r\n", 0},
    {"large-lrange", "LRANGE LIST index behind", "*10\r\n", 0},
    {"large-hset", "HSET HASH (key value)", ":", 0},
    {"large-hget", "HGET HASH key", NULL, 0},
    {"large-sadd", "SADD SET (key)", ":", 0},
    {"large-zadd", "ZADD ZSET (score key)", ":", 0},
    {"large-zrank", "ZRANK ZSET key", ":", 0},
    {"large-zrange", "ZRANGE ZSET index behind", "*10\r\n", 0},
    {"large-xadd", "XADD STREAM place FIELD value", "$9\r\n", 0},
    {"large-xrange", "XRANGE STREAM place + COUNT 10", "*", 0},
    {NULL, NULL, NULL, 0},
};

const char REQUEST_WORDS_HELP[] =
    "key and its value; element, the next one in each round over the keys; score, which seems to be any;\n"
    "place, in the order of keys; index, any of the first 900000, and the one 9 behind; bit, any below 10000\n";

/* A word in small letters: text, then digits for first + factor * (key * K + element * E) % count, where K and E are
 * the numbers of key and element. It always has that many digits. */
struct number {
    const char *word, *text;
    uint32_t digits, first, count, factor, key, element;
};

/* clang-format off */
static const struct number numbers[] = {
    {"key", "key:0000", 8, 0, 100000000, 1, 1, 0},
    {"value", "key:0000", 8, 0, 100000000, 1, 1, 0},
    {"element", "element:", 8, 0, 100000000, 1, 0, 1},
    {"score", "", 7, 1000000, 9000000, 2654435761, 1, 7919},
    {"place", "", 7, 1000000, 9000000, 1, 1, 0},
    {"index", "", 6, 100000, 800000, 1, 1, 0},
    {"behind", "", 6, 100009, 800000, 1, 1, 0},
    {"bit", "", 4, 1000, 9000, 7919, 0, 1},
};
/* clang-format on */

static const struct number *number_called(const char *word)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].word, word) == 0)
            return &numbers[i];
    return NULL;
}

/* ---- Templates ---- */

/* Where digits go into a request. */
struct blank {
    size_t at;
    const struct number *number;
    uint32_t nth; /* time that the words between parentheses come */
};

/* A request but for its numbers. */
struct request_template {
    const struct request_command *command;
    char *bytes; /* owned */
    size_t len;
    struct blank *blanks; /* owned */
    uint32_t blanks_n;
    bool repeats_keys;
    uint32_t keys, elements; /* that it uses */
};

static void *grown(void *memory, size_t bytes)
{
    memory = realloc(memory, bytes);
    if (!memory)
        abort();
    return memory;
}

static void append(struct request_template *t, const char *from, size_t bytes)
{
    t->bytes = grown(t->bytes, t->len + bytes);
    memcpy(t->bytes + t->len, from, bytes);
    t->len += bytes;
}

static void append_head(struct request_template *t, char type, size_t n)
{
    char head[24];
    append(t, head, (size_t)snprintf(head, sizeof head, "%c%zu\r\n", type, n));
}

/* A value is filled up to filled_bytes. */
static void append_number(struct request_template *t, const struct number *number, uint32_t nth, size_t filled_bytes)
{
    size_t text_bytes = strlen(number->text), bytes = text_bytes + number->digits;
    append_head(t, '$', bytes < filled_bytes ? filled_bytes : bytes);
    append(t, number->text, text_bytes);
    t->blanks = grown(t->blanks, (t->blanks_n + 1) * sizeof *t->blanks);
    t->blanks[t->blanks_n++] = (struct blank){t->len, number, nth};
    append(t, "00000000", number->digits);
    for (; bytes < filled_bytes; bytes++)
        append(t, "v", 1);
}

/* The next word before end; false: there is none. */
static bool next_word(const char **text, const char *end, char word[WORD_CHARS_MAX + 1])
{
    *text += strspn(*text, " ()");
    size_t bytes = strcspn(*text, " ()");
    if (*text >= end)
        return false;
    snprintf(word, WORD_CHARS_MAX + 1, "%.*s", (int)bytes, *text);
    *text += bytes;
    return true;
}

static size_t count_words(const char *text, const char *end)
{
    char word[WORD_CHARS_MAX + 1];
    size_t n = 0;
    while (next_word(&text, end, word))
        n++;
    return n;
}

static void append_words(struct request_template *t, const char *text, const char *end, uint32_t nth,
                         unsigned value_bytes)
{
    char word[WORD_CHARS_MAX + 1];
    while (next_word(&text, end, word)) {
        const struct number *number = number_called(word);
        if (number) {
            append_number(t, number, nth, strcmp(word, "value") == 0 ? value_bytes : 0);
        } else {
            append_head(t, '$', strlen(word));
            append(t, word, strlen(word));
        }
        append(t, "\r\n", 2);
    }
}

static struct request_template *make_template(const struct workload *w, const struct request_command *command)
{
    struct request_template *t = grown(NULL, sizeof *t);
    const char *words = command->words, *end = words + strlen(words), *open = strchr(words, '(');
    uint32_t times = open ? w->per_command : 0;
    *t = (struct request_template){.command = command, .repeats_keys = open && strstr(open, "key")};
    t->keys = t->repeats_keys ? times : 1;
    t->elements = open && !t->repeats_keys ? times : 1;
    open = open ? open : end;
    append_head(t, '*', count_words(words, open) + times * count_words(open, end));
    append_words(t, words, open, 0, w->value_bytes);
    for (uint32_t i = 0; i < times; i++)
        append_words(t, open, end, i, w->value_bytes);
    return t;
}

static void free_template(struct request_template *t)
{
    free(t->bytes);
    free(t->blanks);
    free(t);
}

/* ---- Workloads ---- */

/* xorshift64*: enough for a shuffle and a mix. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

static const struct request_command *command_called(const char *name)
{
    const struct request_command *command = request_commands;
    while (command->name && strcmp(command->name, name) != 0)
        command++;
    return command;
}

void workload_init(struct workload *w, uint32_t first_key, bool shuffled)
{
    w->position = 0;
    w->random = 0x9E3779B97F4A7C15ULL;
    w->order = grown(NULL, w->key_count * sizeof *w->order);
    for (uint32_t i = 0; i < w->key_count; i++)
        w->order[i] = first_key + i;
    for (uint32_t i = w->key_count; shuffled && i > 1; i--) {
        uint32_t j = (uint32_t)(next_random(&w->random) % i), swapped = w->order[i - 1];
        w->order[i - 1] = w->order[j];
        w->order[j] = swapped;
    }
    w->asked = make_template(w, w->command);
    w->written = make_template(w, command_called("set"));
}

void workload_deinit(struct workload *w)
{
    free(w->order);
    free_template(w->asked);
    free_template(w->written);
}

size_t workload_request_bytes_max(const struct workload *w)
{
    return w->asked->len > w->written->len ? w->asked->len : w->written->len;
}

static uint32_t key_at(const struct workload *w, uint32_t position)
{
    return w->order[position < w->key_count ? position : position - w->key_count];
}

static void put_digits(char *to, uint32_t digits, uint32_t v)
{
    for (; digits > 0; v /= 10)
        to[--digits] = (char)('0' + v % 10);
}

static void fill_blank(const struct workload *w, const struct request_template *t, const struct blank *blank, char *to)
{
    const struct number *n = blank->number;
    uint32_t key = key_at(w, w->position + (t->repeats_keys ? blank->nth : 0));
    uint32_t element = w->element + (t->repeats_keys ? 0 : blank->nth);
    if (w->element_count > 0)
        element %= w->element_count;
    put_digits(to + blank->at, n->digits, n->first + n->factor * (n->key * key + n->element * element) % n->count);
}

size_t workload_next(struct workload *w, char *to, struct request *r)
{
    const struct request_template *t = w->asked;
    if (t->command->writes_percent && next_random(&w->random) % 100 < t->command->writes_percent)
        t = w->written;
    *r = (struct request){t, w->position};
    memcpy(to, t->bytes, t->len);
    for (uint32_t i = 0; i < t->blanks_n; i++)
        fill_blank(w, t, &t->blanks[i], to);
    w->position += t->keys;
    if (w->position >= w->key_count) {
        w->position -= w->key_count;
        w->element += t->elements;
    }
    return t->len;
}

/* ---- Replies ---- */

/* The number in the first line, behind the type. Returns the line's bytes, REPLY_PARTIAL or REPLY_MALFORMED. */
static size_t read_head(const char *p, size_t bytes, long *n)
{
    bool is_negative = bytes > 1 && p[1] == '-';
    size_t at = is_negative ? 2 : 1;
    *n = 0;
    for (; at < bytes && p[at] >= '0' && p[at] <= '9'; at++)
        *n = 10 * *n + (p[at] - '0');
    if (is_negative)
        *n = -*n;
    if (at < bytes && p[at] != '\r')
        return REPLY_MALFORMED;
    return at + 2 <= bytes ? at + 2 : REPLY_PARTIAL;
}

/* Any reply of RESP2: its bytes, REPLY_PARTIAL or REPLY_MALFORMED. */
static size_t resp_bytes(const char *p, size_t bytes, unsigned depth)
{
    if (*p == '+' || *p == '-' || *p == ':') {
        const char *line_end = memchr(p, '\n', bytes);
        return line_end ? (size_t)(line_end - p) + 1 : REPLY_PARTIAL;
    }
    long n;
    size_t at = *p == '$' || *p == '*' ? read_head(p, bytes, &n) : REPLY_MALFORMED;
    if (at == REPLY_PARTIAL || at == REPLY_MALFORMED || n < 0)
        return at;
    if (*p == '$')
        return at + (size_t)n + 2 <= bytes ? at + (size_t)n + 2 : REPLY_PARTIAL;
    if (depth == NESTING_MAX)
        return REPLY_MALFORMED;
    for (long i = 0; i < n; i++) {
        size_t one = at < bytes ? resp_bytes(p + at, bytes - at, depth + 1) : REPLY_PARTIAL;
        if (one == REPLY_PARTIAL || one == REPLY_MALFORMED)
            return one;
        at += one;
    }
    return at;
}

/* The bytes of the value that key must have at p, or 0. */
static size_t check_value(const struct workload *w, const char *p, size_t bytes, uint32_t key)
{
    long n;
    char key_text[REQUEST_KEY_BYTES] = "key:0000";
    size_t head = *p == '$' ? read_head(p, bytes, &n) : REPLY_MALFORMED;
    if (head == REPLY_PARTIAL || head == REPLY_MALFORMED || n != (long)w->value_bytes)
        return 0;
    size_t all = head + w->value_bytes + 2;
    put_digits(key_text + 8, 8, key);
    bool same =
        bytes >= all && memcmp(p + head, key_text, sizeof key_text) == 0 && p[all - 2] == '\r' && p[all - 1] == '\n';
    return same ? all : 0;
}

/* The bytes of the values that the keys of r must have at p, or 0. */
static size_t check_values(const struct workload *w, const struct request *r, const char *p, size_t bytes)
{
    const struct request_template *t = r->template;
    size_t at = 0;
    if (t->repeats_keys) {
        char head[24];
        at = (size_t)snprintf(head, sizeof head, "*%u\r\n", t->keys);
        if (bytes < at || memcmp(p, head, at) != 0)
            return 0;
    }
    for (uint32_t i = 0; i < t->keys; i++) {
        size_t value = at < bytes ? check_value(w, p + at, bytes - at, key_at(w, r->position + i)) : 0;
        if (value == 0)
            return 0;
        at += value;
    }
    return at;
}

size_t workload_check(const struct workload *w, const struct request *r, const char *p, size_t bytes, bool *expected)
{
    const char *wanted = r->template->command->reply;
    size_t values = wanted ? 0 : check_values(w, r, p, bytes);
    *expected = values > 0;
    if (values > 0)
        return values;
    size_t reply = resp_bytes(p, bytes, 0);
    *expected = wanted && reply != REPLY_PARTIAL && reply != REPLY_MALFORMED && reply >= strlen(wanted) &&
                memcmp(p, wanted, strlen(wanted)) == 0;
    return reply;
}
