#include "engines.h"

#include <libpq-fe.h>
#include <mysql.h>
#include <pg_query.h>
#include <string.h>
#include <zstd.h>

#include "applier/mysql/mysql.h"
#include "applier/postgres/postgres.h"
#include "base/url.h"
#include "cdc/mysql/mysql.h"
#include "cdc/postgres/postgres.h"

static const char *const postgres_schemes[] = {"postgresql", "postgres", NULL};
static const char *const mysql_schemes[] = {"mysql", "mariadb", NULL};

static const struct engine engines[] = {
    {.name = "PostgreSQL",
     .schemes = postgres_schemes,
     .conninfo = true,
     .source = &postgres_source,
     .target = &postgres_target,
     .standing = &pg_standing},
    {.name = "MySQL",
     .schemes = mysql_schemes,
     .source = &mysql_source,
     .target = &mysql_target,
     .standing = &my_standing},
};
#define ENGINES (sizeof(engines) / sizeof(engines[0]))

const struct engine *engine_of_url(const char *url)
{
    size_t len = url_scheme_len(url);
    for (size_t i = 0; i < ENGINES; i++) {
        if (len == 0 && engines[i].conninfo && strchr(url, '='))
            return &engines[i];
        for (const char *const *scheme = engines[i].schemes; *scheme; scheme++)
            if (strlen(*scheme) == len && strncmp(*scheme, url, len) == 0)
                return &engines[i];
    }
    return NULL;
}

void engines_describe(struct buf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < ENGINES; i++) {
        for (const char *const *scheme = engines[i].schemes; *scheme; scheme++) {
            buf_printf(out, "%s%s://", separator, *scheme);
            separator = ", ";
        }
        if (engines[i].conninfo)
            buf_printf(out, "%sa libpq string (host=... dbname=...)", separator);
    }
}

void engines_versions(struct strlist *out)
{
    int libpq = PQlibVersion();
    strlist_addf(out, "libpq %d.%d", libpq / 10000, libpq % 10000);
    strlist_addf(out, "libpg_query of PostgreSQL %s", PG_VERSION);
#ifdef MARIADB_PACKAGE_VERSION
    strlist_addf(out, "MariaDB Connector/C %s", mysql_get_client_info());
#else
    strlist_addf(out, "libmysqlclient %s", mysql_get_client_info());
#endif
    strlist_addf(out, "zstd %s", ZSTD_versionString());
}
