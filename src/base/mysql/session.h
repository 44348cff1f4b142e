/* The settings of every session. Shared by the files of this folder. */
#ifndef SC_BASE_MYSQL_SESSION_H
#define SC_BASE_MYSQL_SESSION_H

#include "base/mysql/conn.h"

/* conn->server must be known (family, version, sql_mode). */
enum sc_result my_session_set(struct my_conn *conn, enum my_purpose purpose, struct sc_error *err);

#endif
