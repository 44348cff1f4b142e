/* The server's binary log as a stream of raw events: COM_BINLOG_DUMP, by file and offset.
 *
 * Not by GTID: a position is only ever read on the server it came from, where the file's offset leaves no byte of the
 * log unaccounted for, and MariaDB Connector/C has no such command for MySQL. The GTIDs of a position prove instead
 * that the log was not set back (cdc/mysql/log_end.h). */
#ifndef SC_CDC_MYSQL_DUMP_H
#define SC_CDC_MYSQL_DUMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/mysql/conn.h"

struct my_dump {
    struct my_conn *conn;
    void *library; /* what the client library keeps for the stream */
    char *file;
};

/* What a reader calls itself: another session of the same number is ended by the server, which is meant for one of ours
 * that the server takes for alive. Derived from who the reader is and `turn`, so that it always is the same in one
 * migration, and unlikely to be anybody else's; a reader that lost its connection to another of its number takes the
 * next turn. Never 0, and never the server's own. */
uint32_t my_dump_reader_id(const char *who, uint32_t turn, uint32_t server_id);

/* Tells the session of `conn` (MY_BINLOG) how it wants the log (checksums as they are, heartbeats, all kinds of
 * events) and starts the dump behind `offset` (4: the file's begin; it has 32 bits on the wire). The connection is the
 * dump's alone from now on, also on failure, and is the caller's to close after my_dump_close(). SC_REFUSE: as for
 * my_dump_fetch(). */
enum sc_result my_dump_open(struct my_dump *dump, struct my_conn *conn, const char *file, uint32_t offset,
                            uint32_t reader_id, int heartbeat_ms, struct sc_error *err);

/* The next event, from its common header on; valid until the next call. Waits as long as the connection's read time-out
 * (MY_BINLOG) for it; heartbeats come more often. SC_RETRY: the connection is lost, or *fight: another reader with the
 * same number has connected. SC_REFUSE: the server does not have the log there any more. SC_FAIL: it cannot send it. */
enum sc_result my_dump_fetch(struct my_dump *dump, const uint8_t **event, size_t *len, bool *fight,
                             struct sc_error *err);

void my_dump_close(struct my_dump *dump); /* a zeroed one is fine */

#endif
