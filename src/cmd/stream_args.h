/* What the stream commands share: reading their arguments (each function answers the error itself and then returns
 * false), replies, and effects. Only for stream*.c. */
#ifndef SKUA_CMD_STREAM_ARGS_H
#define SKUA_CMD_STREAM_ARGS_H

#include "shard/type/stream_group.h"
#include "src/cmd/command.h"

/* Handlers whose rows are in stream.c. */
command_fn stream_xread, stream_xreadgroup;
command_fn stream_xgroup_create, stream_xgroup_createconsumer, stream_xgroup_delconsumer, stream_xgroup_destroy,
    stream_xgroup_setid, stream_xack;
command_fn stream_xpending, stream_xclaim, stream_xautoclaim;
command_fn stream_xinfo_consumers, stream_xinfo_groups, stream_xinfo_stream;

/* ---- IDs ---- */

/* An ID that names one message: "ms-seq", or "ms" for ms-0. */
bool stream_arg_id(struct cmd *c, uint32_t i, struct stream_id *id);
/* Several, from argument i to the last. *ids is taken: mem_free(NULL, ids), also after an error. */
bool stream_arg_ids(struct cmd *c, uint32_t i, struct stream_id **ids);
/* One end of a range: also "-" and "+", "(" before it, and "ms" for the first or the last of them. */
bool stream_arg_start(struct cmd *c, uint32_t i, struct stream_id *id);
bool stream_arg_end(struct cmd *c, uint32_t i, struct stream_id *id);

void stream_reply_invalid_id(struct cmd *c);

/* ---- Options of XADD and XTRIM ---- */

struct stream_options {
    struct stream_trim trim;
    uint32_t trim_at; /* the argument with the count or ID to trim to */
    /* Of XADD: */
    bool no_create, has_ms, has_seq;
    struct stream_id id;
    uint32_t id_at;
};

/* is_add: those of XADD, up to the ID; else all arguments are options. */
bool stream_arg_options(struct cmd *c, bool is_add, struct stream_options *o);

/* ---- Opening ---- */

/* Each gives what is at key 0, NULL if there is none; false: it is no stream, which has been answered. */
bool stream_open_to_read(struct cmd *c, struct stream **s);
bool stream_open_to_write(struct cmd *c, struct stream **s);
bool stream_open_to_consume(struct cmd *c, struct stream **s);
/* The group, argv[3], of the stream at argv[2]; false: there is none, which has been answered. */
bool stream_open_group(struct cmd *c, const struct stream *s, struct stream_group **g);

/* ---- Replies and effects ---- */

void stream_reply_id(struct reply *r, struct stream_id id);
/* [id, [field, value, ...]] */
void stream_reply_message(struct reply *r, struct stream_cursor *at);
/* The same for one that is there. */
void stream_reply_message_of(struct reply *r, const struct stream *s, struct stream_id id);
/* "unknown subcommand or wrong number of arguments" */
void stream_reply_subcommand_error(struct cmd *c);

/* A key and a group, as argv has them, that effects are about. */
struct stream_names {
    struct slice key, group;
};

/* The consumer of that name, who is seen now, and is made if there is none. */
struct stream_consumer *stream_open_consumer(struct cmd *c, struct stream *s, struct stream_group *g, struct slice name,
                                             struct stream_names names);
/* XCLAIM that gives p to whoever has it. */
void stream_effect_claim(struct cmd *c, struct stream_names names, const struct stream_group *g,
                         const struct stream_pending *p);
/* XGROUP SETID */
void stream_effect_group(struct cmd *c, struct stream_names names, const struct stream_group *g);

#endif
