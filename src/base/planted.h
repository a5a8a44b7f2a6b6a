/* Bugs that tests can switch on, to show that the simulator finds them. A program that wants one sets planted_bug
 * before it starts the workers; in builds without -Dsimpoints=true PLANTED() is the constant false. */
#ifndef SKUA_BASE_PLANTED_H
#define SKUA_BASE_PLANTED_H

enum planted_bug {
    PLANTED_NOTHING,

    /* Who runs when. */
    PLANTED_SIGNAL_OVERTAKES,  /* signals do not wait for earlier commands on other shards */
    PLANTED_LANES_DISAGREE,    /* two lanes have two transactions in different order */
    PLANTED_RUN_BEFORE_HELD,   /* a transaction runs while one of its shards has not arrived */
    PLANTED_HELD_SHARD_RUNS,   /* a shard that is held runs what others send it */
    PLANTED_EARLY_RELEASE,     /* shards are let go before the transaction has run */
    PLANTED_TAKEN_BACK_UNSEEN, /* a shard that takes its arrival back does not count as missing */

    /* What goes to the journal. */
    PLANTED_EFFECTS_LATE,        /* what a group did stays with the worker until something else goes to the journal */
    PLANTED_BUNDLE_EFFECTS_LATE, /* the same of a bundle: its shards are let go before */
    PLANTED_REPLY_EARLY,         /* the reply of a transaction does not wait for the journal */
    PLANTED_READ_EARLY,          /* a reply that tells only of what others wrote does not wait */
    PLANTED_HELD_UNQUEUED,       /* a shard is held while what it did before is not queued */
    PLANTED_SELECT_MISSING,      /* what ran in two databases stands in the journal as if in one */
    PLANTED_EXPIRY_UNTOLD,       /* what an ask finds expired does not go to the journal */
    PLANTED_EXPIRY_BEHIND,       /* the DEL of an expired key goes behind the MSET that replaces it */
    PLANTED_EFFECT_MISSING,      /* what a command did to two keys does not go to the journal */

    /* Loading. */
    PLANTED_EXPIRY_LOADING,    /* keys expire while they are loaded */
    PLANTED_BARRIER_OVERTAKES, /* a command on several shards does not wait for those before it */

    /* What the journal does with it. */
    PLANTED_BATCHES_SWAPPED, /* a batch stands in the file before one that was queued earlier */
    PLANTED_ROLE_LEFT,       /* who gives back the turn to append, or ends a sync, does not look again */
    PLANTED_WOKEN_EARLY,     /* who waits is woken before what it waits for is published */
    PLANTED_AWAITED_LATE,    /* who waits looks first, and then asks to be woken */
    PLANTED_WRITTEN_EARLY,   /* batches count as written before they are */
    PLANTED_SYNCED_EARLY,    /* a sync counts for what is written while it is in flight */

    /* What is on disk. */
    PLANTED_OLD_FILE_UNSYNCED, /* a start appends to a new file while the old one is not on disk */
    PLANTED_NAMES_UNSYNCED, /* directories are not synced after the names in them have changed */
};

#ifdef SKUA_SIM_POINTS
extern enum planted_bug planted_bug;
#define PLANTED(bug) (planted_bug == (bug))
#else
#define PLANTED(bug) (0 && (bug))
#endif

#endif
