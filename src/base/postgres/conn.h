/* Connections to PostgreSQL: opened the same way everywhere, asked with errors that carry a class, and quoted in one
 * place.
 *
 * Every session gets the settings that make values travel without loss and names resolve only where we say
 * (conn.c, session_settings). One connection is used by one thread. */
#ifndef SC_BASE_POSTGRES_CONN_H
#define SC_BASE_POSTGRES_CONN_H

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* What all connections to one server share. Filled by pg_server_learn() from the first connection, so that every
 * session converts values as the operator's own session would (TimeZone and the day/month order decide what a USING
 * expression yields). Strings are owned. */
struct pg_server {
    char *url;         /* libpq URI or conninfo string; may hold a password: never log it */
    char *application; /* start of application_name, e.g. "seachange 7f3a91c2" */
    int version;       /* e.g. 150018 */
    char *timezone;    /* the session's own default, kept */
    char *date_order;  /* "MDY", "DMY" or "YMD" of DateStyle, kept */
    char *encoding;    /* server_encoding */
    char *database;
    char *user;        /* session_user */
    char *search_path; /* the operator's own, for resolving names in the ALTER; not set on our sessions */
    uint64_t system_identifier;
    uint32_t timeline;
    const atomic_bool *stop; /* NULL: none. When it becomes true, pg_open() and pg_ask_within() end soon, as SC_STOP */
};

enum pg_purpose {
    PG_DATA,        /* values pass: client_encoding is the server's, so no byte is converted */
    PG_DDL,         /* names and the operator's text pass: client_encoding is UTF8 (SQL_ASCII stays) */
    PG_REPLICATION, /* logical walsender: replication=database */
};

struct pg_conn {
    PGconn *pg;
    char role[32]; /* "copy 1", "apply", "cutover": in application_name, logs and errors */
    const struct pg_server *server;
    int backend_pid;
    bool gone; /* nothing can be sent on it any more, though libpq still takes it for open */
};

/* Connects with `server->url`, takes what every later connection needs, and fills the rest of *server.
 * server->url and server->application must be set. On success *out is a PG_DDL connection. */
enum sc_result pg_server_learn(struct pg_server *server, const char *role, struct pg_conn **out, struct sc_error *err);
void pg_server_fini(struct pg_server *server);

/* Opens a session. SC_RETRY when the server cannot be reached now, SC_REFUSE when it never will be so (authentication,
 * unknown database, bad URL). TCP keepalives and tcp_user_timeout are set unless the URL sets them. */
enum sc_result pg_open(const struct pg_server *server, const char *role, enum pg_purpose purpose, struct pg_conn **out,
                       struct sc_error *err);
void pg_close(struct pg_conn *conn); /* NULL is fine */
bool pg_alive(const struct pg_conn *conn);

/* Runs one statement whose rows nobody needs. Class of a failure: see pg_classify(). */
enum sc_result pg_run(struct pg_conn *conn, struct sc_error *err, const char *sql);
enum sc_result pg_runf(struct pg_conn *conn, struct sc_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs one statement with text parameters (NULL is SQL NULL); *res is the caller's to PQclear() on SC_OK, else NULL.
 * Rows must come back as text. */
enum sc_result pg_query(struct pg_conn *conn, struct sc_error *err, PGresult **res, const char *sql, int nparams,
                        const char *const *params);

/* As pg_query(), for one row of one column: *value is malloc'd (mem_free()), NULL for SQL NULL or no row. */
enum sc_result pg_value(struct pg_conn *conn, struct sc_error *err, char **value, const char *sql, int nparams,
                        const char *const *params);

/* As pg_query(), for rows that must not be in memory at once: hands on each as a result of one row, which is gone when
 * take() returns. What take() returns ends it unless it is SC_OK: the query is then cancelled. SC_STOP: told to stop
 * meanwhile (server->stop). */
enum sc_result pg_stream(struct pg_conn *conn, struct sc_error *err, const char *sql, int nparams,
                         const char *const *params,
                         enum sc_result (*take)(void *arg, const PGresult *row, struct sc_error *err), void *arg);

/* Runs statements as one simple query, and waits for the server no longer than timeout_ms: SC_RETRY then, and the
 * connection is of no use any more. *res (the last result; may be NULL: nobody needs it) is the caller's to PQclear()
 * on SC_OK. For what must not hang when the server does. Also for commands of the replication protocol; PGRES_COPY_BOTH
 * is SC_OK. */
enum sc_result pg_ask_within(struct pg_conn *conn, struct sc_error *err, PGresult **res, const char *sql,
                             int timeout_ms);

/* Fills err from a failed result (or, with res NULL, from the connection). Returns the class:
 * lost connection, serialization failure, deadlock, lock timeout, cancel, too many connections, shutdown: SC_RETRY; all
 * else SC_FAIL. DETAIL is dropped and quoted values in data exceptions (class 22) are masked: they hold row values. */
enum sc_result pg_failed(struct pg_conn *conn, const PGresult *res, struct sc_error *err);
enum sc_result pg_classify(const char *sqlstate);
bool pg_sqlstate_is(const struct sc_error *err, const char *sqlstate);

/* The class of a failed connect, from libpq's message: no SQLSTATE comes with it. */
enum sc_result pg_classify_connect(const char *message);
/* Does a message of libpq's own (no SQLSTATE comes with it) say that sending failed? While there is something left to
 * read, libpq goes on to call such a connection open (fe-misc.c, pqSendSome(); fe-exec.c, PQgetResult()). */
bool pg_is_write_failure(const char *message);
/* Takes row values out of a server's message, in place: data exceptions (class 22) quote the value that did not fit. */
void pg_mask_values(char *message, const char *sqlstate);
/* Takes out of a message about connecting what may be a piece of a password in a URL that was not escaped. */
void pg_mask_url(char *message);

/* Quoting. Identifiers are always quoted; literals are right under standard_conforming_strings=on, which every session
 * has. */
void pg_add_ident(struct buf *b, const char *name);
void pg_add_qualified(struct buf *b, const char *schema, const char *name);
void pg_add_literal(struct buf *b, const char *text);
/* An element of an array literal, always quoted (manual, 8.15.2). */
void pg_add_array_element(struct buf *b, const char *text);
char *pg_ident(const char *name);                         /* malloc'd */
char *pg_qualified(const char *schema, const char *name); /* malloc'd */
char *pg_literal(const char *text);                       /* malloc'd */

/* An LSN is written X/Y (manual, 8.20 pg_lsn Type). */
bool pg_lsn_parse(const char *text, uint64_t *lsn);
void pg_lsn_format(uint64_t lsn, char out[static 24]);

/* A snapshot as pg_current_snapshot() prints it: xmin:xmax:xip,... with 64-bit transaction ids (manual, table 9.84). */
struct pg_snapshot {
    uint64_t xmin, xmax;
    uint64_t *xip;
    size_t nxip;
};
bool pg_snapshot_parse(const char *text, struct pg_snapshot *out); /* false: not a snapshot; out is then empty */
void pg_snapshot_fini(struct pg_snapshot *s);
/* The replication protocol has 32-bit transaction ids; widened by the snapshot's epoch before they are compared. */
uint64_t pg_xid_widen(uint32_t xid, uint64_t near);
bool pg_snapshot_sees(const struct pg_snapshot *s, uint64_t xid);

#endif
