/* Connecting without knowing the server yet. Shared by the files of this folder. */
#ifndef SC_BASE_MYSQL_OPEN_H
#define SC_BASE_MYSQL_OPEN_H

#include "base/mysql/conn.h"

/* As my_open(), but the session has none of our settings. Uses of *server only url, application and stop. */
enum sc_result my_open_bare(const struct my_server *server, const char *role, enum my_purpose purpose,
                            struct my_conn **out, struct sc_error *err);

#endif
