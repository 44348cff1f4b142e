/* Where a server's binary log ends now, and whether it still is the log that a position came from. */
#ifndef SC_CDC_MYSQL_LOG_END_H
#define SC_CDC_MYSQL_LOG_END_H

#include "base/mysql/conn.h"
#include "cdc/change.h"
#include "cdc/mysql/position.h"

/* *out: the end as file and offset, with the GTIDs executed so far where they fit. SC_REFUSE: the server writes no
 * binary log, or the account may not ask (REPLICATION CLIENT; MariaDB: BINLOG MONITOR). */
enum sc_result my_log_end(struct my_conn *conn, struct position *out, struct sc_error *err);

/* Is `at`, where we have been, part of the log that ends at `end`? SC_REFUSE: the log was reset or the server set back
 * (RESET MASTER, a restored copy): the same positions may hold other changes now. *maybe_later: only the GTIDs say so;
 * a server that waits for a semi-synchronous replica sends a transaction before it counts it as executed. */
enum sc_result my_log_check_history(const struct my_server *server, const struct position *at,
                                    const struct position *end, bool *maybe_later, struct sc_error *err);

/* *why: for people, why reading cannot go on at `at`; the caller's to mem_free(), NULL where nothing speaks against it.
 * What it returns but SC_OK: the server did not answer, or the account may not ask. */
enum sc_result my_log_is_lost(const struct my_server *server, struct my_conn *conn, const struct position *at,
                              char **why, struct sc_error *err);

/* Does the log describe tables by itself (binlog_row_metadata = FULL), as set for sessions that begin now? */
enum sc_result my_log_describes(struct my_conn *conn, bool *out, struct sc_error *err);

/* MariaDB's log has a stored generated column when a row is inserted, and no longer (seen in 11.8, not in 10.11) when
 * it is changed or deleted. */
static inline bool my_log_leaves_out_stored(const struct my_server *server)
{
    return server->family == MY_MARIADB && server->version >= 110000;
}

#endif
