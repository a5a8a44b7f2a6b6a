#include "src/cmd/set_option.h"

#include "src/cmd/args.h"

/* Each word, what it must not be combined with, and whether a time follows. */
static const struct option {
    const char *word;
    uint32_t flag, excludes;
} options[] = {
    {"nx", SET_NX, SET_XX},
    {"xx", SET_XX, SET_NX},
    {"get", SET_GET, 0},
    {"keepttl", SET_KEEPTTL, SET_PERSIST | SET_EXPIRES},
    {"persist", SET_PERSIST, SET_KEEPTTL | SET_EXPIRES},
    {"ex", SET_EX, SET_KEEPTTL | SET_PERSIST | (SET_EXPIRES & ~SET_EX)},
    {"px", SET_PX, SET_KEEPTTL | SET_PERSIST | (SET_EXPIRES & ~SET_PX)},
    {"exat", SET_EXAT, SET_KEEPTTL | SET_PERSIST | (SET_EXPIRES & ~SET_EXAT)},
    {"pxat", SET_PXAT, SET_KEEPTTL | SET_PERSIST | (SET_EXPIRES & ~SET_PXAT)},
};

static const struct option *find(struct slice word)
{
    for (uint32_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (slice_is(word, options[i].word))
            return &options[i];
    return NULL;
}

bool set_options_parse(struct cmd *c, uint32_t first, uint32_t allowed, struct set_options *out)
{
    *out = (struct set_options){0};
    for (uint32_t i = first; i < c->argc; i++) {
        const struct option *o = find(c->argv[i]);
        bool takes_time = o && o->flag & SET_EXPIRES;
        if (!o || !(o->flag & allowed) || o->excludes & out->flags || (takes_time && i + 1 == c->argc)) {
            reply_syntax_error(c);
            return false;
        }
        out->flags |= o->flag;
        if (takes_time)
            out->time = ++i;
    }
    return true;
}

bool set_option_deadline(struct cmd *c, uint32_t i, uint32_t flags, int64_t *deadline_ms)
{
    int64_t ms;
    if (!arg_i64(c, i, &ms))
        return false;
    bool valid = ms > 0;
    if (flags & (SET_EX | SET_EXAT))
        valid = valid && !__builtin_mul_overflow(ms, 1000, &ms);
    if (flags & (SET_EX | SET_PX))
        valid = valid && !__builtin_add_overflow(ms, c->now_ms, &ms);
    if (!valid)
        reply_errorf(c->reply, "ERR invalid expire time in '%s' command", c->row->full_name);
    *deadline_ms = ms;
    return valid;
}
