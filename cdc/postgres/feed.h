/* From decoded messages to the spool: what is put, what is held back, and what the server sends twice.
 *
 * - A row is put behind its table's RELATION (cdc/relations.h).
 * - BEGIN waits for the first change of the transaction: one that holds nothing of ours is not put at all.
 * - When the connection is lost in the middle of a transaction, what was put of it stays in the spool. The server sends
 *   the transaction again from its beginning; as many of its changes as were already put are skipped. The log is
 * decoded the same way every time, so the n-th change is the n-th change; commit position and transaction id are
 * compared all the same.
 * - Messages outside transactions come again, too; they are known by their position.
 *
 * No socket and no clock. One thread. */
#ifndef SC_CDC_POSTGRES_FEED_H
#define SC_CDC_POSTGRES_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "cdc/change.h"
#include "cdc/postgres/pgoutput.h"
#include "cdc/relations.h"
#include "cdc/spool.h"

struct feed {
    struct spool *spool;     /* not owned */
    void (*idle)(void *arg); /* for spool_put() */
    void *idle_arg;

    struct relations relations; /* of pgoutput's tables */
    struct position received;   /* reading may resume here: all before it is in the spool */
    uint64_t put_end;           /* end of the last transaction put; when this is confirmed, everything is */
    uint64_t transactions, changes;
    const char *end_marker; /* SC_STOP behind it; NULL: never. Not owned */

    bool in_transaction; /* between the server's BEGIN and COMMIT */
    bool begun;          /* this transaction's BEGIN is in the spool */
    struct change begin;
    uint64_t seen; /* changes of this transaction that the server has sent now */

    bool cut; /* the spool ends with an unfinished transaction: */
    uint64_t cut_position, cut_xid;
    uint64_t cut_changes; /* that many changes of it were put */

    uint64_t last_marker; /* position of the newest message outside a transaction */
    struct buf record;
};

/* Of `ntables` tables. */
void feed_init(struct feed *f, struct spool *spool, size_t ntables, const struct position *start,
               void (*idle)(void *arg), void *arg);
void feed_fini(struct feed *f);

/* Takes one message that is ours. As spool_put(); SC_FAIL also when the server sends something else than before. */
enum sc_result feed_take(struct feed *f, const struct pgoutput_message *message, struct sc_error *err);

/* The connection is gone: the next messages are those behind f->received. */
void feed_lost(struct feed *f);

/* Puts an empty transaction that ends at `lsn`, so that the consumer's checkpoint moves although the table is idle and
 * the server may let go of its log. Only outside transactions, with everything before `lsn` received. */
enum sc_result feed_advance(struct feed *f, uint64_t lsn, struct sc_error *err);

#endif
