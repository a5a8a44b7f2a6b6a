#include "src/io/syncer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/backend.h"

struct syncer {
    struct io *owner;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. An op that is being synced is in neither list. */
    struct list queued, done;
    bool ends;
};

static int sync_file(int fd)
{
    int r;
    do
        r = fdatasync(fd);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* Under the lock. */
static void finish(struct syncer *s, struct io_op *op, int res)
{
    op->len = (size_t)(intptr_t)res;
    list_push_back(&s->done, &op->link);
    wake_by_eventfd(s->owner); /* after the list has it, so that who is woken finds it */
}

static void *run(void *arg)
{
    struct syncer *s = arg;
    pthread_setname_np(pthread_self(), "skua-sync");
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (list_empty(&s->queued) && !s->ends)
            pthread_cond_wait(&s->changed, &s->lock);
        if (s->ends)
            break;
        struct io_op *op = container_of(list_pop_front(&s->queued), struct io_op, link);
        int fd = op->fd;
        pthread_mutex_unlock(&s->lock);
        int res = sync_file(fd);
        pthread_mutex_lock(&s->lock);
        finish(s, op, res);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Signals are for the other threads. */
static bool start_thread(struct syncer *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

struct syncer *syncer_create(struct io *owner)
{
    struct syncer *s = mem_zalloc(NULL, sizeof *s);
    s->owner = owner;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    list_init(&s->queued);
    list_init(&s->done);
    s->has_thread = start_thread(s);
    return s;
}

void syncer_destroy(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    ASSERT(list_empty(&s->queued) && list_empty(&s->done));
    s->ends = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    mem_free(NULL, s);
}

void syncer_start(struct syncer *s, struct io_op *op)
{
    int res = s->has_thread ? 0 : sync_file(op->fd);
    pthread_mutex_lock(&s->lock);
    if (s->has_thread) {
        list_push_back(&s->queued, &op->link);
        pthread_cond_signal(&s->changed);
    } else {
        finish(s, op, res);
    }
    pthread_mutex_unlock(&s->lock);
}

void syncer_cancel(struct syncer *s, struct io_op *op)
{
    pthread_mutex_lock(&s->lock);
    for (struct list *l = s->queued.next; l != &s->queued; l = l->next)
        if (l == &op->link) {
            list_remove(l);
            finish(s, op, -ECANCELED);
            break;
        }
    pthread_mutex_unlock(&s->lock);
}

void syncer_take(struct syncer *s, struct list *done)
{
    pthread_mutex_lock(&s->lock);
    list_take_all(done, &s->done);
    pthread_mutex_unlock(&s->lock);
}
