#include "src/server/config_apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/server/aof.h"
#include "src/server/config.h"
#include "src/server/listen.h"
#include "src/server/process.h"
#include "src/server/server.h"
#include "src/server/worker.h"

static bool same_addresses(const struct bind_addresses *a, const struct bind_addresses *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (strcmp(a->v[i], b->v[i]) != 0)
            return false;
    return true;
}

static bool apply_maxclients(const struct server *s, const struct config *old, const struct config *new, char *error)
{
    char reason[128];
    if (new->maxclients <= old->maxclients)
        return true;
    int64_t possible = process_reserve_descriptors(new->maxclients, s->nworkers);
    if (possible >= new->maxclients)
        return true;
    snprintf(reason, sizeof reason,
             "The operating system is not able to handle the specified number of clients, try with %lld",
             (long long)possible);
    config_set_error(error, "maxclients", reason);
    return false;
}

static void move_aof(struct server *s, int directory)
{
    if (s->aof)
        aof_move(s->aof, fcntl(directory, F_DUPFD_CLOEXEC, 0));
}

/* Works in the new directory from now on; *locked is its lock, or -1 if it has not changed. */
static bool enter_directory(struct server *s, const struct config *old, const struct config *new, int *locked,
                            char *error)
{
    *locked = -1;
    if (strcmp(old->dir, new->dir) == 0)
        return true;
    if (s->aof && !aof_may_move(s->aof)) {
        config_set_error(error, "dir", "The append-only file is there; it can't be moved while the server runs");
        return false;
    }
    *locked = process_lock_directory(new->dir);
    if (*locked == -EWOULDBLOCK)
        config_set_error(error, "dir", "The directory is in use by another server");
    else if (*locked < 0)
        config_set_error(error, "dir", strerror(-*locked));
    if (*locked >= 0)
        move_aof(s, *locked);
    return *locked >= 0;
}

static bool apply_listeners(struct worker *w0, const struct config *old, const struct config *new, char *error)
{
    char why[256];
    bool same_bind = same_addresses(&old->bind, &new->bind);
    if (!w0->server->listeners || (same_bind && old->port == new->port))
        return true;
    if (listeners_rebind(w0->server->listeners, w0, new, why, sizeof why))
        return true;
    log_write(LOG_LEVEL_WARNING, "%s", why);
    if (same_bind)
        config_set_error(error, "port", "Unable to listen on this port. Check server logs.");
    else
        config_set_error(error, "bind", "Failed to bind to specified addresses.");
    return false;
}

static bool apply_appendonly(struct worker *w0, const struct config *old, const struct config *new, char *error)
{
    if (!w0->server->aof || old->appendonly == new->appendonly || aof_turn(w0, new->appendonly))
        return true;
    config_set_error(error, "appendonly", "Unable to turn on AOF. Check server logs.");
    return false;
}

static void note(void *arg, const char *line) { log_write(LOG_LEVEL_WARNING, "%s", line); }

bool config_apply(struct worker *w0, const struct config *old, const struct config *new, char *error)
{
    struct server *s = w0->server;
    int locked;
    if (!apply_maxclients(s, old, new, error) || !enter_directory(s, old, new, &locked, error))
        return false;
    bool listens = apply_listeners(w0, old, new, error);
    if (!listens || !apply_appendonly(w0, old, new, error)) {
        char ignored[CONFIG_ERROR_BYTES];
        if (listens)
            apply_listeners(w0, new, old, ignored);
        if (locked >= 0) {
            (void)!fchdir(s->directory);
            move_aof(s, s->directory);
            close(locked);
        }
        return false;
    }
    if (locked >= 0) {
        close(s->directory);
        s->directory = locked;
    }
    log_set_level((enum log_level) new->loglevel);
    aof_apply(w0, new);
    config_notes(new, s->options_noted, note, NULL);
    return true;
}
