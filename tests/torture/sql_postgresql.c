#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torture/sql.h"

static void ignore_notice(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static void *pg_open(const char *url, char *error, size_t size)
{
    PGconn *pg = PQconnectdb(url);
    PQsetNoticeProcessor(pg, ignore_notice, NULL);
    if (PQstatus(pg) == CONNECTION_OK)
        return pg;
    snprintf(error, size, "%s", PQerrorMessage(pg));
    PQfinish(pg);
    return NULL;
}

static const char *pg_cell(const struct rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column) ? NULL : PQgetvalue(rows->result, row, column);
}

/* Deadlock, serialization failure, lock_timeout, and what a server says that goes away or comes back. */
static enum answer classify(PGconn *pg, const char *state)
{
    if (PQstatus(pg) != CONNECTION_OK || strncmp(state, "57P", 3) == 0)
        return SQL_LOST;
    return strcmp(state, "40P01") == 0 || strcmp(state, "40001") == 0 || strcmp(state, "55P03") == 0 ? SQL_CONFLICT
                                                                                                     : SQL_REFUSED;
}

static enum answer pg_run(struct session *session, const char *text, size_t len)
{
    (void)len;
    PGconn *pg = session->connection;
    PQclear(session->rows.result);
    PGresult *res = PQexec(pg, text);
    ExecStatusType status = PQresultStatus(res);
    session->rows = (struct rows){.result = res, .value = pg_cell};
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        session->rows.count = PQntuples(res);
        session->rows.columns = PQnfields(res);
        session->affected = strtoull(PQcmdTuples(res), NULL, 10);
        return SQL_OK;
    }
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    snprintf(session->code, sizeof(session->code), "%s", state ? state : "");
    snprintf(session->error, sizeof(session->error), "%s", PQerrorMessage(pg));
    return classify(pg, session->code);
}

static void pg_close(struct session *session)
{
    PQclear(session->rows.result);
    session->rows.result = NULL;
    PQfinish(session->connection);
}

const struct sql_ops sql_postgresql = {.open = pg_open, .run = pg_run, .close = pg_close};
