/* From the log's groups of events to the spool: what is put, what is held back, and what the server sends twice.
 *
 * A group is what stands between two places where reading may resume: a transaction, or a statement that is one.
 * - A row is put behind its table's RELATION (cdc/relations.h).
 * - BEGIN waits for the first change: a transaction that holds nothing of ours is not put at all.
 * - When the connection is lost in the middle of a transaction, what was put of it stays in the spool. The server sends
 *   the transaction again from its beginning; as many of its changes as were already put are skipped.
 * - Groups that begin before `received` were dealt with in an earlier session and are passed over whole.
 * - Markers are put when their group has ended: outside of transactions, behind its commit.
 *
 * No socket and no clock. One thread. */
#ifndef SC_CDC_MYSQL_FEED_H
#define SC_CDC_MYSQL_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/strlist.h"
#include "cdc/change.h"
#include "cdc/relations.h"
#include "cdc/spool.h"

struct my_feed {
    struct spool *spool;     /* not owned */
    void (*idle)(void *arg); /* for spool_put() */
    void *idle_arg;

    struct relations relations;
    struct position received; /* reading may resume here: all before it is in the spool. Its text may lack the GTIDs */
    uint64_t put_end;         /* end of the last transaction put; when this is confirmed, everything is */
    uint64_t transactions, changes;
    const char *end_marker; /* SC_STOP behind it; NULL: never. Not owned */

    bool in_group;
    bool passing; /* this group was dealt with before */
    bool begun;   /* its BEGIN is in the spool */
    struct change begin;
    uint64_t seen; /* its changes that the server has sent now */
    size_t table;  /* of the last of them */
    struct strlist markers;

    bool cut; /* the spool ends with an unfinished transaction: */
    uint64_t cut_order;
    uint64_t cut_changes; /* that many changes of it were put */

    bool no_room; /* the spool could not be written: connecting again does not help */
    struct buf record;
};

/* Of `ntables` tables. */
void my_feed_init(struct my_feed *f, struct spool *spool, size_t ntables, const struct position *start,
                  void (*idle)(void *arg), void *arg);
void my_feed_fini(struct my_feed *f);

/* A group begins here. SC_FAIL: the one that was cut does not come again. */
enum sc_result my_feed_begin(struct my_feed *f, const struct position *at, int64_t commit_us, struct sc_error *err);
/* Of that table: a RELATION at any time; INSERT, UPDATE, DELETE, TRUNCATE within a group. As spool_put(); SC_FAIL also
 * when the table was not described before. */
enum sc_result my_feed_change(struct my_feed *f, size_t table, const struct change *change, struct sc_error *err);
/* The same of an encoded RELATION, unless the table's last one was the same. */
enum sc_result my_feed_describe(struct my_feed *f, size_t table, const void *record, size_t len, struct sc_error *err);
/* A marker of ours within a group. */
void my_feed_marker(struct my_feed *f, const char *text);
/* Will my_feed_commit() put `end`, so that its text has to be whole? */
bool my_feed_shows_end(const struct my_feed *f);
/* The group is committed; reading may resume at `end`. */
enum sc_result my_feed_commit(struct my_feed *f, const struct position *end, int64_t commit_us, struct sc_error *err);
/* The group turns out not to have happened. SC_FAIL: changes of it were put. */
enum sc_result my_feed_discard(struct my_feed *f, const struct position *end, struct sc_error *err);

/* The connection is gone: the next group begins at or before f->received. */
void my_feed_lost(struct my_feed *f);

/* Puts an empty transaction that ends at `at`, where all was received, so that the consumer's checkpoint moves although
 * the table is idle and the server may let go of its log. Only between groups, with nothing cut. */
enum sc_result my_feed_advance(struct my_feed *f, const struct position *at, struct sc_error *err);

#endif
