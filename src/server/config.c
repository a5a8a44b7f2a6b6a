#include "src/server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/server/config_values.h"

static void *field_of(struct config *config, const struct option *o) { return (char *)config + o->offset; }

const void *config_field(const struct config *config, const struct option *o)
{
    return (const char *)config + o->offset;
}

/* ---- Life ---- */

struct config *config_create(void)
{
    struct config *config = mem_zalloc(NULL, sizeof *config);
    atomic_init(&config->refs, 1);
    char error[OPTION_ERROR_BYTES];
    char *cwd = getcwd(NULL, 0);
    config->dir = option_copy_text(cwd ? cwd : "/");
    free(cwd);
    for (unsigned i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->type && o->type != &option_type_DIR)
            ASSERT(config_parse_words(config, o, o->initial, false, error));
    }
    return config;
}

struct config *config_copy(const struct config *config)
{
    struct config *copy = mem_alloc(NULL, sizeof *copy);
    memcpy((void *)copy, (const void *)config, sizeof *copy);
    atomic_init(&copy->refs, 1);
    if (copy->file)
        copy->file = option_copy_text(copy->file);
    for (unsigned i = 0; i < options_count; i++)
        if (options[i].type && options[i].type->own)
            options[i].type->own(field_of(copy, &options[i]));
    return copy;
}

void config_release(const struct config *config)
{
    struct config *c = (struct config *)config;
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < options_count; i++)
        if (options[i].type && options[i].type->free)
            options[i].type->free(field_of(c, &options[i]));
    mem_free(NULL, c->file);
    mem_free(NULL, c);
}

/* ---- Values ---- */

bool config_parse(struct config *config, const struct option *o, int argc, const char *const *argv, bool add,
                  char *error)
{
    if (!(o->flags & OPTION_MULTI) && argc != 1) {
        snprintf(error, OPTION_ERROR_BYTES, "wrong number of arguments");
        return false;
    }
    if ((o->flags & OPTION_MULTI) && argc == 1 && strchr(argv[0], ' '))
        return config_parse_words(config, o, argv[0], add, error);
    if (!o->type->parse(o, field_of(config, o), argc, argv, add, error))
        return false;
    if (o->here != OPTION_PROMISE && o->here != OPTION_REFUSE)
        return true;
    if (config_is_initial(config, o))
        return true;
    snprintf(error, OPTION_ERROR_BYTES, "only the default is accepted: %s",
             o->here == OPTION_REFUSE ? o->why : "this build can't keep what any other value promises");
    return false;
}

bool config_parse_words(struct config *config, const struct option *o, const char *text, bool add, char *error)
{
    if (!(o->flags & OPTION_MULTI))
        return config_parse(config, o, 1, &text, add, error);
    /* Split at every single space: two of them have an empty word in between. */
    size_t n = 0;
    char *copy = option_copy_text(text), *rest = copy;
    const char **argv = mem_alloc(NULL, (strlen(text) + 1) * sizeof *argv);
    while (*text && rest)
        argv[n++] = strsep(&rest, " ");
    bool good = config_parse(config, o, (int)n, argv, add, error);
    mem_free(NULL, argv);
    mem_free(NULL, copy);
    return good;
}

char *config_value(const struct config *config, const struct option *o)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    ASSERT(out);
    o->type->print(o, config_field(config, o), out);
    fclose(out);
    return text;
}

bool config_is_initial(const struct config *config, const struct option *o)
{
    char *text = config_value(config, o);
    bool same = strcmp(text, o->initial) == 0;
    free(text);
    return same;
}

/* ---- What has no effect yet ---- */

void config_notes(const struct config *config, bool *noted, void (*fn)(void *arg, const char *line), void *arg)
{
    char line[OPTION_ERROR_BYTES];
    for (unsigned i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (noted[i] || o->here != OPTION_PENDING || !o->type || config_is_initial(config, o))
            continue;
        noted[i] = true;
        snprintf(line, sizeof line, "Option '%s' is kept, but has no effect in this version.", o->name);
        fn(arg, line);
    }
}
