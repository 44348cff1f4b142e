/* One replication session: connected, proven to be with the right server and at the right place of its log, and
 * streaming. */
#ifndef SC_CDC_POSTGRES_WALSENDER_H
#define SC_CDC_POSTGRES_WALSENDER_H

#include <stdint.h>

#include "base/postgres/conn.h"
#include "cdc/change.h"
#include "cdc/source.h"

struct walsender_info {
    uint64_t system_identifier;
    uint32_t timeline;
    uint64_t server_end; /* end of the server's flushed log when the session began */
};

/* Opens a session that streams what commits behind `at`; all zero: behind what the slot has confirmed, which *at then
 * is. The result is in COPY BOTH mode, non-blocking. Waits for the server at most about half a minute.
 *
 * SC_RETRY: the server is not there now, or a session of ours that it takes for alive still has the slot.
 * SC_REFUSE: reading on from there is not possible, and never will be: another server or timeline, a server set
 * back to before `at`, no such slot, slot invalidated or moved beyond `at`. Nothing is skipped silently (correctness
 * C2). */
enum sc_result walsender_open(const struct source_config *config, const struct pg_server *server, struct position *at,
                              struct walsender_info *info, struct pg_conn **out, struct sc_error *err);

/* Fills err for a stream that ended with this result (or, NULL, with the connection): as pg_failed(), but SC_REFUSE
 * where the server says that the log is gone. */
enum sc_result walsender_failed(const struct source_config *config, struct pg_conn *conn, const PGresult *res,
                                struct sc_error *err);

#endif
