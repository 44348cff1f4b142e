/* Connections to MySQL and MariaDB: opened the same way everywhere, asked with errors that carry a class, and quoted in
 * one place.
 *
 * Works with MariaDB Connector/C and with libmysqlclient (chosen when it is built; conn_library.c holds what differs).
 * Every session gets the settings that make values travel without loss: character set utf8mb4 (MY_DATA: binary
 * introducers on every literal, results not converted), time_zone '+00:00', sql_mode strict with
 * NO_AUTO_VALUE_ON_ZERO and zero dates as they are, READ COMMITTED, autocommit on. One connection is used by one
 * thread. */
#ifndef SC_BASE_MYSQL_CONN_H
#define SC_BASE_MYSQL_CONN_H

#include <mysql.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

enum my_family { MY_MYSQL, MY_MARIADB };

/* What all connections to one server share. Filled by my_server_learn() from the first connection. Strings are owned.
 */
struct my_server {
    char *url;             /* mysql:// or mariadb://; may hold a password: never log it */
    char *application;     /* shown as connection attribute program_name, e.g. "seachange 7f3a91c2" */
    enum my_family family; /* as the server says, whatever the URL's scheme */
    int version;           /* 80036, 90700, 101108 */
    char *version_text;    /* "8.0.36", "10.11.8-MariaDB-..." */
    char *database;        /* of the URL; NULL: none */
    char *user;            /* CURRENT_USER() */
    char *identity;        /* MySQL: @@server_uuid; MariaDB: server id and what else tells servers apart */
    char *sql_mode;        /* the operator's own default (for the ALTER) */
    uint32_t server_id;
    int lower_case_table_names;
    uint64_t max_allowed_packet;
    const atomic_bool *stop; /* NULL: none */
};

enum my_purpose {
    MY_DATA,   /* copy and apply: results are not converted (character_set_results NULL) */
    MY_DDL,    /* names and the operator's text; the operator's sql_mode */
    MY_BINLOG, /* will carry a binary-log dump */
};

struct my_conn {
    MYSQL *my;
    char role[32];
    const struct my_server *server;
    unsigned long thread_id;
    unsigned error; /* of the last failed statement */
    bool lost;
};

/* Connects with server->url, and fills the rest. server->url and ->application must be set. On success *out is a MY_DDL
 * connection. URL: mysql://user:password@host:port/database?ssl-mode=...&ssl-ca=...&socket=...&defaults-file=... ;
 * user, password, host may be percent-encoded; a password also from MYSQL_PWD or the defaults file. */
enum sc_result my_server_learn(struct my_server *server, const char *role, struct my_conn **out, struct sc_error *err);
void my_server_fini(struct my_server *server);

/* SC_RETRY when the server cannot be reached now, SC_REFUSE when it never will be so (access denied, unknown database,
 * bad URL). Connecting, logging in, writing, and reading a binary log have time-outs. Other reading has none, because
 * an ALTER may run for hours: a dead peer is found by TCP within about half a minute; whoever wants an answer soon asks
 * with my_query_within(). */
enum sc_result my_open(const struct my_server *server, const char *role, enum my_purpose purpose, struct my_conn **out,
                       struct sc_error *err);
void my_close(struct my_conn *conn);       /* NULL is fine */
bool my_alive(const struct my_conn *conn); /* false once a statement found the connection lost */

/* Runs one statement whose rows nobody needs. */
enum sc_result my_run(struct my_conn *conn, struct sc_error *err, const char *sql);
enum sc_result my_runf(struct my_conn *conn, struct sc_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As my_run(), for statements that change rows: *affected as the server counts (CLIENT_FOUND_ROWS is on: rows found,
 * whether or not a value changed), and warnings are errors unless the statement is one whose warnings are listed as
 * harmless: SC_FAIL names the first, with values masked (correctness B6). `len` may hold NUL bytes. */
enum sc_result my_change(struct my_conn *conn, struct sc_error *err, const char *sql, size_t len, uint64_t *affected);
/* *res is the caller's to mysql_free_result() on SC_OK, else NULL. Stored (not streamed). */
enum sc_result my_query(struct my_conn *conn, struct sc_error *err, MYSQL_RES **res, const char *sql);
enum sc_result my_queryf(struct my_conn *conn, struct sc_error *err, MYSQL_RES **res, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* As my_query(), for rows that must not be in memory at once: hands on each; it is gone when take() returns. What
 * take() returns ends it unless it is SC_OK, and so does server->stop (SC_STOP): the connection is then of no use any
 * more. */
enum sc_result my_stream(struct my_conn *conn, struct sc_error *err, const char *sql,
                         enum sc_result (*take)(void *arg, MYSQL_ROW row, const unsigned long *lengths,
                                                struct sc_error *err),
                         void *arg);
/* As my_query(), for what needs no lock and no disk: SC_RETRY when there is no answer within timeout_ms, SC_STOP when
 * told to stop meanwhile (server->stop); the connection is then to be closed. res may be NULL. */
enum sc_result my_query_within(struct my_conn *conn, struct sc_error *err, MYSQL_RES **res, int timeout_ms,
                               const char *sql);
/* One row of one column: *value is malloc'd, NULL for SQL NULL or no row. */
enum sc_result my_value(struct my_conn *conn, struct sc_error *err, char **value, const char *sql);
enum sc_result my_valuef(struct my_conn *conn, struct sc_error *err, char **value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* How many statements this process has sent, over all connections. */
uint64_t my_sent(void);
/* One more call has sent so many at once. */
void my_count_sent(uint64_t statements);

/* Fills err from the connection's last error: sqlstate, the server's error number in my_errno(). Lost connection,
 * deadlock, lock wait time-out, NOWAIT, too many connections, shutdown, interrupted query: SC_RETRY; all else SC_FAIL.
 * Row values in the message are masked. */
enum sc_result my_failed(struct my_conn *conn, struct sc_error *err);
unsigned my_errno(const struct my_conn *conn); /* of the last failed statement, 0 none */

/* Quoting. Identifiers in backticks. Literals: utf8mb4 text for a MY_DDL or MY_DATA session; right under any sql_mode
 * (never depends on NO_BACKSLASH_ESCAPES). */
void my_add_ident(struct buf *b, const char *name);
void my_add_qualified(struct buf *b, const char *schema, const char *name);
void my_add_literal(struct buf *b, const char *text);
char *my_ident(const char *name);                         /* malloc'd */
char *my_qualified(const char *schema, const char *name); /* malloc'd */

#endif
