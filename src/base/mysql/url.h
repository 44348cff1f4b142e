/* A connection URL of MySQL or MariaDB, taken apart:
 *   mysql://user:password@host:port/database?ssl-mode=REQUIRED&ssl-ca=...
 * User, password, host, database and values may be percent-encoded. Parameters: user, password, socket, defaults-file,
 * connect-timeout (seconds), ssl-mode, ssl-ca, ssl-cert, ssl-key, get-server-public-key. `_` serves for `-`. */
#ifndef SC_BASE_MYSQL_URL_H
#define SC_BASE_MYSQL_URL_H

#include <stdbool.h>

#include "base/error.h"

/* As --ssl-mode of the mysql program (MySQL manual, "Command Options for Encrypted Connections"). */
enum my_tls { MY_TLS_DISABLED, MY_TLS_PREFERRED, MY_TLS_REQUIRED, MY_TLS_VERIFY_CA, MY_TLS_VERIFY_IDENTITY };

struct my_url {
    char *user, *password, *host, *database; /* NULL where the URL says nothing; owned */
    unsigned port;                           /* 0: not said */
    char *socket, *defaults_file, *tls_ca, *tls_cert, *tls_key;
    unsigned connect_timeout_s; /* 0: not said */
    enum my_tls tls;
    bool get_server_public_key;
};

/* SC_REFUSE says what is wrong with it, without showing any of its secrets. *out is to be freed in any case. */
enum sc_result my_url_parse(const char *text, struct my_url *out, struct sc_error *err);
void my_url_fini(struct my_url *url);

#endif
