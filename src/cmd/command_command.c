/* COMMAND: tells clients what the rows say. Shape and order of fields are Redis 7.4's. Rows of Sentinel's commands are
 * not shown, as they are not in a redis-server either. */
#include <stdio.h>

#include "src/base/glob.h"
#include "src/base/mem.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/help.h"
#include "src/cmd/keys.h"
#include "src/cmd/row.h"

static const struct bit_name key_flag_names[] = {
    {KEY_RO, "RO"},
    {KEY_RW, "RW"},
    {KEY_OW, "OW"},
    {KEY_RM, "RM"},
    {KEY_ACCESS, "access"},
    {KEY_UPDATE, "update"},
    {KEY_INSERT, "insert"},
    {KEY_DELETE, "delete"},
    {KEY_NOT_KEY, "not_key"},
    {KEY_INCOMPLETE, "incomplete"},
    {KEY_VARIABLE_FLAGS, "variable_flags"},
    {0, NULL},
};

static bool is_shown(const struct command *row) { return row && !(row->flags & CMD_ONLY_SENTINEL); }

/* A set of status lines: the names of the bits that are on, each after prefix. */
static void reply_names(struct reply *r, uint64_t bits, const struct bit_name *names, const char *prefix)
{
    int64_t n = 0;
    for (const struct bit_name *b = names; b->name; b++)
        n += (bits & b->bit) != 0;
    reply_set(r, n);
    for (const struct bit_name *b = names; b->name; b++) {
        char text[64];
        if (bits & b->bit) {
            snprintf(text, sizeof(text), "%s%s", prefix, b->name);
            reply_status(r, text);
        }
    }
}

/* The words of a row's tips. */
static void reply_tips(struct reply *r, const char *tips)
{
    int64_t n = tips != NULL;
    for (const char *p = tips; p && *p; p++)
        n += *p == ' ';
    reply_set(r, n);
    for (const char *p = tips; n > 0; n--) {
        size_t len = strcspn(p, " ");
        reply_bulk(r, p, len);
        p += len + 1;
    }
}

static void reply_pair_int(struct reply *r, const char *name, int64_t v)
{
    reply_bulk_str(r, name);
    reply_int(r, v);
}

static void reply_pair_str(struct reply *r, const char *name, const char *text)
{
    reply_bulk_str(r, name);
    reply_bulk_str(r, text);
}

/* The value of begin_search or find_keys: {type, spec: {...}}; the caller adds `fields` pairs. */
static void reply_spec_part(struct reply *r, const char *name, const char *type, int64_t fields)
{
    reply_bulk_str(r, name);
    reply_map(r, 2);
    reply_pair_str(r, "type", type);
    reply_bulk_str(r, "spec");
    reply_map(r, fields);
}

static void reply_key_spec(struct reply *r, const struct key_spec *spec)
{
    reply_map(r, spec->notes ? 4 : 3);
    if (spec->notes)
        reply_pair_str(r, "notes", spec->notes);
    reply_bulk_str(r, "flags");
    reply_names(r, spec->flags, key_flag_names, "");
    switch (spec->begin) {
    case BEGIN_UNKNOWN:
        reply_spec_part(r, "begin_search", "unknown", 0);
        break;
    case BEGIN_INDEX:
        reply_spec_part(r, "begin_search", "index", 1);
        reply_pair_int(r, "index", spec->index);
        break;
    case BEGIN_KEYWORD:
        reply_spec_part(r, "begin_search", "keyword", 2);
        reply_pair_str(r, "keyword", spec->keyword);
        reply_pair_int(r, "startfrom", spec->start_from);
        break;
    }
    switch (spec->find) {
    case FIND_UNKNOWN:
        reply_spec_part(r, "find_keys", "unknown", 0);
        break;
    case FIND_RANGE:
        reply_spec_part(r, "find_keys", "range", 3);
        reply_pair_int(r, "lastkey", spec->last);
        reply_pair_int(r, "keystep", spec->step);
        reply_pair_int(r, "limit", spec->limit);
        break;
    case FIND_KEYNUM:
        reply_spec_part(r, "find_keys", "keynum", 3);
        reply_pair_int(r, "keynumidx", spec->keynum_index);
        reply_pair_int(r, "firstkey", spec->first);
        reply_pair_int(r, "keystep", spec->keystep);
        break;
    }
}

/* First key, last key and step, as clients older than key specifications know them. */
struct legacy_range {
    int first, last, step;
};

/* Specifications that follow each other with step 1 become one range; others are left out. Source: Redis 7.4
 * populateCommandLegacyRangeSpec. */
static struct legacy_range legacy_range(const struct command *row)
{
    struct legacy_range range = {0, 0, 0};
    uint32_t n = command_key_specs(row);
    for (uint32_t i = 0; i < n; i++) {
        const struct key_spec *spec = &row->keys[i];
        if (spec->begin != BEGIN_INDEX || spec->find != FIND_RANGE)
            continue;
        int last = spec->last >= 0 ? spec->index + spec->last : spec->last;
        if (n == 1)
            return (struct legacy_range){spec->index, last, spec->step};
        if (spec->step != 1 || (range.last && range.last != spec->index - 1))
            continue;
        if (range.first == 0 || spec->index < range.first)
            range.first = spec->index;
        if ((unsigned)last > (unsigned)range.last)
            range.last = last;
        range.step = 1;
    }
    return range;
}

static uint32_t subcommand_count(const struct command *row)
{
    uint32_t n = 0;
    for (const struct command *sub = row->subcommands; sub && sub->name; sub++)
        n++;
    return n;
}

static void reply_info(struct reply *r, const struct command *row)
{
    struct legacy_range range = legacy_range(row);
    reply_array(r, 10);
    reply_bulk_str(r, row->full_name);
    reply_int(r, row->arity);
    reply_names(r, row->flags, command_flag_names, "");
    reply_int(r, range.first);
    reply_int(r, range.last);
    reply_int(r, range.step);
    reply_names(r, row->acl_categories, acl_category_names, "@");
    reply_tips(r, row->tips);
    uint32_t specs = command_key_specs(row);
    reply_set(r, specs);
    for (uint32_t i = 0; i < specs; i++)
        reply_key_spec(r, &row->keys[i]);
    if (!row->subcommands) {
        reply_set(r, 0);
        return;
    }
    reply_array(r, subcommand_count(row));
    for (const struct command *sub = row->subcommands; sub->name; sub++)
        reply_info(r, sub);
}

/* The next top-level row to show from *id on, which goes on behind it; NULL at the end. */
static const struct command *next_shown(uint32_t *id, uint32_t end)
{
    while (*id < end) {
        const struct command *row = command_by_id((*id)++);
        if (is_shown(row))
            return row;
    }
    return NULL;
}

static int64_t count_shown(void)
{
    int64_t n = 0;
    for (uint32_t id = 0; next_shown(&id, command_top_count());)
        n++;
    return n;
}

/* COMMAND */
static void command_info_all(struct cmd *c)
{
    reply_array(c->reply, count_shown());
    uint32_t id = 0;
    for (const struct command *row; (row = next_shown(&id, command_top_count()));)
        reply_info(c->reply, row);
}

/* COMMAND COUNT */
static void command_count_shown(struct cmd *c) { reply_int(c->reply, count_shown()); }

/* COMMAND INFO [command-name ...] */
static void command_info(struct cmd *c)
{
    if (c->argc == 2) {
        command_info_all(c);
        return;
    }
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct command *row = command_by_full_name(c->argv[i]);
        if (is_shown(row))
            reply_info(c->reply, row);
        else
            reply_null(c->reply);
    }
}

static void reply_history(struct reply *r, const struct command_change *history)
{
    int64_t n = 0;
    while (history[n].since)
        n++;
    reply_bulk_str(r, "history");
    reply_set(r, n);
    for (int64_t i = 0; i < n; i++) {
        reply_array(r, 2);
        reply_bulk_str(r, history[i].since);
        reply_bulk_str(r, history[i].text);
    }
}

/* Name and documentation of one command. */
static void reply_docs(struct reply *r, const struct command *row)
{
    static const struct bit_name doc_flag_names[] = {{1, "deprecated"}, {2, "syscmd"}, {0, NULL}};
    uint64_t doc_flags = (row->deprecated_since != NULL) | (uint64_t)row->system << 1;
    reply_bulk_str(r, row->full_name);
    reply_map(r, 3 + (row->complexity != NULL) + (doc_flags != 0) + 2 * (row->deprecated_since != NULL) +
                     (row->history != NULL) + (row->subcommands != NULL));
    reply_pair_str(r, "summary", row->summary);
    reply_pair_str(r, "since", row->since);
    reply_pair_str(r, "group", row->group);
    if (row->complexity)
        reply_pair_str(r, "complexity", row->complexity);
    if (doc_flags) {
        reply_bulk_str(r, "doc_flags");
        reply_names(r, doc_flags, doc_flag_names, "");
    }
    if (row->deprecated_since) {
        reply_pair_str(r, "deprecated_since", row->deprecated_since);
        reply_pair_str(r, "replaced_by", row->replaced_by);
    }
    if (row->history)
        reply_history(r, row->history);
    if (row->subcommands) {
        reply_bulk_str(r, "subcommands");
        reply_map(r, subcommand_count(row));
        for (const struct command *sub = row->subcommands; sub->name; sub++)
            reply_docs(r, sub);
    }
}

/* COMMAND DOCS [command-name ...]: names that are unknown are left out. */
static void command_docs(struct cmd *c)
{
    if (c->argc == 2) {
        reply_map(c->reply, count_shown());
        uint32_t id = 0;
        for (const struct command *row; (row = next_shown(&id, command_top_count()));)
            reply_docs(c->reply, row);
        return;
    }
    size_t place = reply_defer(c->reply);
    int64_t n = 0;
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct command *row = command_by_full_name(c->argv[i]);
        if (is_shown(row)) {
            reply_docs(c->reply, row);
            n++;
        }
    }
    reply_defer_end(c->reply, place, '%', n);
}

struct list_filter {
    enum { LIST_ALL, LIST_NONE, LIST_CATEGORY, LIST_PATTERN } by;
    uint64_t category;
    struct slice pattern;
};

/* [FILTERBY MODULE name|ACLCAT category|PATTERN pattern]. There are no modules, so none of their commands. */
static bool parse_list_filter(struct cmd *c, struct list_filter *filter)
{
    *filter = (struct list_filter){.by = LIST_ALL};
    if (c->argc == 2)
        return true;
    if (c->argc != 5 || !slice_is(c->argv[2], "filterby"))
        return false;
    if (slice_is(c->argv[3], "pattern")) {
        *filter = (struct list_filter){.by = LIST_PATTERN, .pattern = c->argv[4]};
    } else if (slice_is(c->argv[3], "aclcat")) {
        filter->by = LIST_NONE;
        for (const struct bit_name *b = acl_category_names; b->name; b++) {
            if (slice_is(c->argv[4], b->name))
                *filter = (struct list_filter){.by = LIST_CATEGORY, .category = b->bit};
        }
    } else if (slice_is(c->argv[3], "module")) {
        filter->by = LIST_NONE;
    } else {
        return false;
    }
    return true;
}

static bool passes(const struct list_filter *filter, const struct command *row)
{
    switch (filter->by) {
    case LIST_ALL:
        return true;
    case LIST_NONE:
        return false;
    case LIST_CATEGORY:
        return row->acl_categories & filter->category;
    case LIST_PATTERN:
        return glob_match(filter->pattern, slice_str(row->full_name), true);
    }
    return false;
}

/* COMMAND LIST [FILTERBY MODULE name|ACLCAT category|PATTERN pattern] */
static void command_list(struct cmd *c)
{
    struct list_filter filter;
    if (!parse_list_filter(c, &filter)) {
        reply_syntax_error(c);
        return;
    }
    size_t place = reply_defer(c->reply);
    int64_t n = 0;
    uint32_t id = 0;
    for (const struct command *row; (row = next_shown(&id, command_count()));) {
        if (passes(&filter, row)) {
            reply_bulk_str(c->reply, row->full_name);
            n++;
        }
    }
    reply_defer_end(c->reply, place, '*', n);
}

/* Whether a command can have keys at all (channels are none). */
static bool has_keys(const struct command *row)
{
    uint32_t n = command_key_specs(row);
    for (uint32_t i = 0; i < n; i++) {
        if (!(row->keys[i].flags & KEY_NOT_KEY))
            return true;
    }
    return false;
}

static void reply_keys(struct cmd *c, bool with_flags)
{
    uint32_t argc = c->argc - 2;
    const struct slice *argv = c->argv + 2;
    const struct command *row = command_of_request(argc, argv);
    if (!is_shown(row)) {
        reply_error(c->reply, "ERR Invalid command specified");
        return;
    }
    if (!has_keys(row)) {
        reply_error(c->reply, "ERR The command has no key arguments");
        return;
    }
    if (!command_arity_ok(row, argc)) {
        reply_error(c->reply, "ERR Invalid number of arguments specified for command");
        return;
    }
    struct key_position *found = mem_alloc(NULL, argc * sizeof(*found));
    uint32_t n = command_find_keys(row, argc, argv, found);
    if (n == 0 && !(row->flags & CMD_NO_MANDATORY_KEYS)) {
        reply_error(c->reply, "ERR Invalid arguments specified for command");
    } else {
        reply_array(c->reply, n);
        for (uint32_t i = 0; i < n; i++) {
            if (with_flags)
                reply_array(c->reply, 2);
            reply_bulk_slice(c->reply, argv[found[i].index]);
            if (with_flags)
                reply_names(c->reply, found[i].flags, key_flag_names, "");
        }
    }
    mem_free(NULL, found);
}

/* COMMAND GETKEYS command [arg ...] */
static void command_getkeys(struct cmd *c) { reply_keys(c, false); }

/* COMMAND GETKEYSANDFLAGS command [arg ...] */
static void command_getkeysandflags(struct cmd *c) { reply_keys(c, true); }

static const char *const command_help[] = {
    "(no subcommand)",
    "    Return details about all Redis commands.",
    "COUNT",
    "    Return the total number of commands in this Redis server.",
    "LIST",
    "    Return a list of all commands in this Redis server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full Redis command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full Redis command.",
    NULL,
};

/* clang-format off */
static struct command command_subcommands[] = {
    {ROW("count", command_count_shown, 2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(1)", "Counts the commands.")},
    {ROW("docs", command_docs, -2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("7.0.0", "server", "O(N) where N is the number of commands to look up", "Documents commands."),
     .tips = "nondeterministic_output_order"},
    {ROW("getkeys", command_getkeys, -3, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(N) where N is the number of arguments to the command",
         "Finds the keys in a command line.")},
    {ROW("getkeysandflags", command_getkeysandflags, -3, CMD_LOADING | CMD_STALE | CMD_SENTINEL |
         CMD_HOME, ACL_CONNECTION),
     DOC("7.0.0", "server", "O(N) where N is the number of arguments to the command",
         "Finds the keys in a command line and what is done to them.")},
    {ROW("help", help_command, 2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("5.0.0", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("info", command_info, -2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(N) where N is the number of commands to look up", "Describes some or all commands."),
     .tips = "nondeterministic_output_order",
     HISTORY({"7.0.0", "Allowed to be called with no argument to get info on all commands."})},
    {ROW("list", command_list, -2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("7.0.0", "server", "O(N) where N is the total number of Redis commands", "Lists the names of the commands."),
     .tips = "nondeterministic_output_order"},
    {.name = NULL},
};

struct command command_commands[] = {
    {ROW("command", command_info_all, -1, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(N) where N is the total number of Redis commands", "Describes all commands."),
     .tips = "nondeterministic_output_order",
     .help = command_help,
     .subcommands = command_subcommands},
    {.name = NULL},
};
/* clang-format on */
