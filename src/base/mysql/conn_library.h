/* What differs between MariaDB Connector/C and libmysqlclient. Shared by the files of this folder and, for the binary
 * log, by cdc/mysql/dump.c. */
#ifndef SC_BASE_MYSQL_CONN_LIBRARY_H
#define SC_BASE_MYSQL_CONN_LIBRARY_H

#include <mysql.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/mysql/url.h"

/* Once a process, before the first connection; safe from any thread. */
void my_library_begin(void);
/* Before connecting. `local`: over a Unix socket, where PREFERRED needs no TLS. */
void my_library_tls(MYSQL *my, const struct my_url *url, bool local);
/* Other options whose types or names differ. */
void my_library_options(MYSQL *my, const struct my_url *url);
/* After connecting: is what the URL demands of TLS in place? */
enum sc_result my_library_check_tls(MYSQL *my, const struct my_url *url, struct sc_error *err);
int my_library_socket(MYSQL *my);

#endif
