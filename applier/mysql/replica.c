/* A server that replicates the table from another one is the wrong place: rows that come from there are put into
 * columns by their place, which is another one behind the swap, and nothing would tell. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/ops.h"

/* Do both replicate from each other? Then this one can be where the table is written to. */
static bool is_mutual(struct target *t, bool old, const char *source_id)
{
    MYSQL_RES *res = NULL;
    bool mutual = false;
    if (strcmp(source_id, "0") == 0 ||
        my_query(t->control, NULL, &res, old ? "SHOW SLAVE HOSTS" : "SHOW REPLICAS") != SC_OK)
        return false;
    for (MYSQL_ROW row; (row = mysql_fetch_row(res)) && !mutual;) {
        const char *id = my_column_text(res, row, "Server_Id");
        id = id ? id : my_column_text(res, row, "Server_id");
        mutual = id && strcmp(id, source_id) == 0;
    }
    mysql_free_result(res);
    return mutual;
}

static const char *either(MYSQL_RES *res, MYSQL_ROW row, const char *now, const char *before)
{
    const char *text = my_column_text(res, row, now);
    text = text ? text : my_column_text(res, row, before);
    return text ? text : "";
}

static void check_channel(struct target *t, bool old, MYSQL_RES *res, MYSQL_ROW row, struct plan *plan)
{
    if (strncmp(either(res, row, "Channel_Name", "Connection_name"), "group_replication_", 18) == 0)
        return;
    const char *host = either(res, row, "Source_Host", "Master_Host");
    bool runs = strcasecmp(either(res, row, "Replica_SQL_Running", "Slave_SQL_Running"), "No") != 0 ||
                strcasecmp(either(res, row, "Replica_IO_Running", "Slave_IO_Running"), "No") != 0;
    if (is_mutual(t, old, either(res, row, "Source_Server_Id", "Master_Server_Id")))
        strlist_addf(&plan->warnings,
                     "%s and this server replicate from each other. Nobody may write to the table there: rows that "
                     "come from there end the migration",
                     host);
    else if (runs)
        strlist_addf(&plan->refusals,
                     "the server is a replica of %s. Rows that come from there would not fit the new table. Connect "
                     "to the primary; replicas get the new table from it.",
                     host);
    else
        strlist_addf(&plan->warnings,
                     "the server was a replica of %s, and replication is stopped. It must not be started again: rows "
                     "from there would not fit the new table",
                     host);
}

void my_check_replica(struct target *t, struct plan *plan)
{
    MYSQL_RES *res = NULL;
    bool maria = t->server.family == MY_MARIADB, old = maria || t->server.version < 80022;
    const char *sql = maria ? "SHOW ALL SLAVES STATUS" : old ? "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS";
    /* MariaDB wants a right for it that the program need not have otherwise. The log will tell. */
    if (my_query(t->control, NULL, &res, sql) != SC_OK)
        return;
    for (MYSQL_ROW row; (row = mysql_fetch_row(res));)
        check_channel(t, old, res, row, plan);
    mysql_free_result(res);
}
