/* CONFIG GET and CONFIG SET, without connections and replies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/glob.h"
#include "src/base/mem.h"
#include "src/server/config_values.h"

/* ---- SET ---- */

static bool has_nul(struct slice s) { return s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL; }

static const struct option *find(struct slice name)
{
    char text[OPTION_ERROR_BYTES];
    if (name.len >= sizeof text || has_nul(name))
        return NULL;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return option_find(text);
}

bool config_is_sensitive(struct slice name)
{
    const struct option *o = find(name);
    return o && o->flags & OPTION_SENSITIVE;
}

static void set_error(char *error, struct slice name, const char *reason)
{
    snprintf(error, CONFIG_ERROR_BYTES, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
             (int)(name.len < OPTION_ERROR_BYTES ? name.len : OPTION_ERROR_BYTES), name.ptr, reason);
}

void config_set_error(char *error, const char *name, const char *reason) { set_error(error, slice_str(name), reason); }

static bool may_set_protected(const struct config *config, struct config_rights rights)
{
    return config->enable_protected_configs == ALLOWED_YES ||
           (config->enable_protected_configs == ALLOWED_LOCAL && rights.local);
}

/* Whether the names are such as may be set together. The order of the checks is Redis's, so that a request with several
 * mistakes gets the same error; that data is being loaded outranks what was found before it. */
static enum config_set_outcome check_names(const struct config *base, const struct slice *pairs, size_t npairs,
                                           struct config_rights rights, char *error)
{
    for (size_t i = 0; i < npairs; i++) {
        struct slice name = pairs[i * 2];
        const struct option *o = find(name);
        if (!o) {
            snprintf(error, CONFIG_ERROR_BYTES, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                     (int)(name.len < OPTION_ERROR_BYTES ? name.len : OPTION_ERROR_BYTES), name.ptr);
            return CONFIG_SET_FAILED;
        }
        if (o->flags & OPTION_IMMUTABLE) {
            set_error(error, name, "can't set immutable config");
            return CONFIG_SET_FAILED;
        }
        if (o->flags & OPTION_PROTECTED && !may_set_protected(base, rights)) {
            set_error(error, name, "can't set protected config");
            return CONFIG_SET_FAILED;
        }
        if (rights.loading && o->flags & OPTION_DENY_LOADING)
            return CONFIG_SET_LOADING;
        for (size_t j = 0; j < i; j++)
            if (find(pairs[j * 2]) == o) {
                set_error(error, name, "duplicate parameter");
                return CONFIG_SET_FAILED;
            }
    }
    return CONFIG_SET_DONE;
}

static bool set_one(struct config *config, struct slice name, struct slice value, char *error)
{
    const struct option *o = find(name);
    char reason[OPTION_ERROR_BYTES] = "argument must not contain a NUL byte";
    bool good = false;
    if (!has_nul(value)) {
        char *text = mem_alloc(NULL, value.len + 1);
        memcpy(text, value.ptr, value.len);
        text[value.len] = '\0';
        good = config_parse_words(config, o, text, false, reason);
        mem_free(NULL, text);
    }
    if (!good)
        set_error(error, slice_str(o->name), reason);
    return good;
}

enum config_set_outcome config_with(const struct config *base, const struct slice *pairs, size_t npairs,
                                    struct config_rights rights, struct config **config, char *error)
{
    enum config_set_outcome outcome = check_names(base, pairs, npairs, rights, error);
    if (outcome != CONFIG_SET_DONE)
        return outcome;
    struct config *new = config_copy(base);
    for (size_t i = 0; i < npairs; i++) {
        if (set_one(new, pairs[i * 2], pairs[i * 2 + 1], error))
            continue;
        config_release(new);
        return CONFIG_SET_FAILED;
    }
    *config = new;
    return CONFIG_SET_DONE;
}

/* ---- GET ---- */

static bool is_pattern(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr("[*?", s.ptr[i]) && s.ptr[i])
            return true;
    return false;
}

static size_t visit(const struct config *config, const struct option *o, struct slice name, config_visit *fn, void *arg)
{
    if (!fn)
        return 1;
    char *value = config_value(config, o);
    fn(arg, name, slice_str(value));
    free(value);
    return 1;
}

static bool same_name(struct slice a, struct slice b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* Whether the first n patterns already gave name, in whatever case. An option and its alias are two names. */
static bool was_given(const struct slice *patterns, size_t n, const struct option *o, struct slice name)
{
    for (size_t i = 0; i < n; i++)
        if (is_pattern(patterns[i]) ? !(o->flags & OPTION_HIDDEN) && glob_match(patterns[i], name, true)
                                    : same_name(patterns[i], name))
            return true;
    return false;
}

size_t config_get(const struct config *config, const struct slice *patterns, size_t npatterns, config_visit *fn,
                  void *arg)
{
    size_t given = 0;
    for (size_t i = 0; i < npatterns; i++) {
        struct slice p = patterns[i];
        if (!is_pattern(p)) {
            const struct option *o = find(p);
            if (o && !was_given(patterns, i, o, p))
                given += visit(config, o, p, fn, arg);
            continue;
        }
        for (unsigned j = 0; j < options_count; j++) {
            const struct option *o = &options[j];
            const char *names[] = {o->name, o->alias};
            for (int k = 0; k < 2 && !(o->flags & (OPTION_HIDDEN | OPTION_DIRECTIVE)); k++) {
                struct slice name = slice_str(names[k] ? names[k] : "");
                if (names[k] && glob_match(p, name, true) && !was_given(patterns, i, o, name))
                    given += visit(config, o, name, fn, arg);
            }
        }
    }
    return given;
}
