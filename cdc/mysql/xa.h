/* XA transactions: the log tells their changes when they are prepared, and only later what became of them.
 *
 * Changes of the tables are held back in memory until the XA COMMIT, and handed on as that group's. What is still open
 * has to be read again by a later process, so a position then says from where ("... xa=binlog.000007:4711"). A
 * transaction that was prepared before the migration began is not known here, and need not be: its rows are locked, and
 * the copy waits for them. */
#ifndef SC_CDC_MYSQL_XA_H
#define SC_CDC_MYSQL_XA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "cdc/change.h"
#include "cdc/mysql/events.h"
#include "cdc/mysql/feed.h"
#include "cdc/mysql/position.h"

struct my_xa_transaction {
    char *xid; /* X'61',X'62',1 as the server writes it; NULL: the one that is being read */
    struct my_log_position began;
    struct buf changes; /* encoded, each behind its length and its table's number */
};

/* Zero-initialised is empty. */
struct my_xa {
    struct my_xa_transaction reading;
    struct my_xa_transaction *prepared; /* those with changes of the tables */
    size_t count, cap;
    size_t bytes;
    size_t *described; /* of each table: where its last description stands in what is being read, + 1; 0: nowhere */
    size_t ndescribed;
};

void my_xa_fini(struct my_xa *xa);

/* A group that is an XA transaction begins. Whatever was read of one before is forgotten (it comes again). */
void my_xa_begin(struct my_xa *xa, const struct my_log_position *at);
/* A row of that table (as for my_feed_change()). SC_FAIL: more than may be held in memory. */
enum sc_result my_xa_hold(struct my_xa *xa, size_t table, const struct change *change, struct sc_error *err);
/* The table's description, as encoded, which the rows behind it are of; what it was before is put again behind them.
 * SC_FAIL: more than may be held in memory. */
enum sc_result my_xa_hold_description(struct my_xa *xa, size_t table, const struct buf *record, struct sc_error *err);
/* The one that is being read is prepared; or, one_phase, committed: then its changes are put. */
enum sc_result my_xa_prepared(struct my_xa *xa, const struct my_xa_event *event, struct my_feed *feed,
                              struct sc_error *err);
/* Puts the changes of the prepared one. It is to be ended by my_xa_end() when the group is committed. */
enum sc_result my_xa_put(struct my_xa *xa, const char *xid, struct my_feed *feed, struct sc_error *err);
void my_xa_end(struct my_xa *xa, const char *xid);

/* Where the oldest prepared one began; NULL: there is none. */
const struct my_log_position *my_xa_oldest(const struct my_xa *xa);

#endif
