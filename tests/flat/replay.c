/* Changes a listpack and a set of integers as standard input says, a line each; strings are in hexadecimal.
 *
 *     new                          both empty
 *     load HEX                     the listpack becomes what these bytes are; prints "refused" if they are none
 *     insert INDEX HEX...          before that element, or at the end
 *     replace INDEX HEX
 *     delete INDEX COUNT
 *     find SKIP HEX                prints the index or -1
 *     bytes, elements              print them
 *     load_set HEX, add INTEGER, remove INTEGER, bytes_set, elements_set: the same for the set */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/ds/intset.h"
#include "shard/ds/listpack.h"

enum { VALUES_MAX = 8 };

struct world {
    struct listpack *lp;
    struct intset *set;
};

/* Empty strings are "-". */
static struct slice take_hex(char **line)
{
    char *word = strsep(line, " \n"), *to = word;
    if (*word == '-')
        return slice_of(word, 0);
    for (char *from = word; *from; from += 2) {
        char digits[] = {from[0], from[1], '\0'};
        *to++ = (char)strtol(digits, NULL, 16);
    }
    return slice_of(word, (size_t)(to - word));
}

static int64_t take_integer(char **line) { return strtoll(strsep(line, " \n"), NULL, 10); }

static void print_hex(struct slice s)
{
    static const char digits[] = "0123456789abcdef";
    if (s.len == 0)
        putchar('-');
    for (size_t i = 0; i < s.len; i++) {
        putchar(digits[(unsigned char)s.ptr[i] >> 4]);
        putchar(digits[s.ptr[i] & 15]);
    }
}

static void reset(struct world *w, char **line)
{
    mem_free(NULL, w->lp);
    mem_free(NULL, w->set);
    w->lp = listpack_create(NULL, 0);
    w->set = intset_create(NULL);
}

static void load(struct world *w, char **line)
{
    mem_free(NULL, w->lp);
    w->lp = listpack_load(NULL, take_hex(line));
    if (!w->lp) {
        puts("refused");
        w->lp = listpack_create(NULL, 0);
    }
}

static void insert(struct world *w, char **line)
{
    struct listpack_value v[VALUES_MAX];
    uint32_t n = 0, at = listpack_seek(w->lp, take_integer(line));
    while (*line && **line)
        v[n++] = listpack_value_of(take_hex(line));
    w->lp = listpack_insert(NULL, w->lp, at, v, n);
}

static void replace(struct world *w, char **line)
{
    uint32_t at = listpack_seek(w->lp, take_integer(line));
    w->lp = listpack_replace(NULL, w->lp, at, listpack_value_of(take_hex(line)));
}

static void delete_range(struct world *w, char **line)
{
    uint32_t at = listpack_seek(w->lp, take_integer(line));
    w->lp = listpack_delete(NULL, w->lp, at, (uint32_t)take_integer(line));
}

static void find(struct world *w, char **line)
{
    uint32_t skip = (uint32_t)take_integer(line);
    uint32_t found = listpack_find(w->lp, listpack_first(w->lp), listpack_value_of(take_hex(line)), skip);
    int index = found ? 0 : -1;
    for (uint32_t at = listpack_first(w->lp); found && at != found; at = listpack_next(w->lp, at))
        index++;
    printf("%d\n", index);
}

static void print_line(struct slice s)
{
    print_hex(s);
    putchar('\n');
}

static void bytes(struct world *w, char **line) { print_line(listpack_bytes(w->lp)); }

static void elements(struct world *w, char **line)
{
    char buf[NUM_INT_CHARS];
    for (uint32_t at = listpack_first(w->lp); at; at = listpack_next(w->lp, at)) {
        print_hex(listpack_text_of(listpack_get(w->lp, at), buf));
        putchar(' ');
    }
    putchar('\n');
}

static void load_set(struct world *w, char **line)
{
    mem_free(NULL, w->set);
    w->set = intset_load(NULL, take_hex(line));
    if (!w->set) {
        puts("refused");
        w->set = intset_create(NULL);
    }
}

static void add(struct world *w, char **line) { w->set = intset_add(NULL, w->set, take_integer(line), NULL); }

static void remove_member(struct world *w, char **line)
{
    w->set = intset_remove(NULL, w->set, take_integer(line), NULL);
}

static void bytes_set(struct world *w, char **line) { print_line(intset_bytes(w->set)); }

static void elements_set(struct world *w, char **line)
{
    for (uint32_t i = 0; i < intset_count(w->set); i++)
        printf("%lld ", (long long)intset_get(w->set, i));
    putchar('\n');
}

static const struct {
    const char *name;
    void (*run)(struct world *, char **line);
} commands[] = {
    {"new", reset},
    {"load", load},
    {"insert", insert},
    {"replace", replace},
    {"delete", delete_range},
    {"find", find},
    {"bytes", bytes},
    {"elements", elements},
    {"load_set", load_set},
    {"add", add},
    {"remove", remove_member},
    {"bytes_set", bytes_set},
    {"elements_set", elements_set},
};

int main(void)
{
    struct world w = {0};
    char *line = NULL, *rest;
    size_t room = 0;
    reset(&w, NULL);
    while (getline(&line, &room, stdin) > 0) {
        rest = line;
        char *name = strsep(&rest, " \n");
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
            if (strcmp(name, commands[i].name) == 0)
                commands[i].run(&w, &rest);
    }
    free(line);
    mem_free(NULL, w.lp);
    mem_free(NULL, w.set);
    return 0;
}
