/* How much the server does for other clients: the statements that all of them have sent, without ours. */
#include <stdlib.h>

#include "applier/mysql/ops.h"

/* The other workers wait for the answer, and so does whoever wants to stop. */
#define ANSWER_WITHIN_MS 3000

bool my_others_work(struct session *s, uint64_t *count)
{
    MYSQL_RES *res = NULL;
    struct sc_error ignored;
    if (!my_alive(s->conn) ||
        my_query_within(s->conn, &ignored, &res, ANSWER_WITHIN_MS, "SHOW GLOBAL STATUS LIKE 'Questions'") != SC_OK)
        return false;
    MYSQL_ROW row = mysql_fetch_row(res);
    bool known = row && row[1];
    uint64_t all = known ? strtoull(row[1], NULL, 10) : 0, ours = my_sent();
    mysql_free_result(res);
    *count = all > ours ? all - ours : 0;
    return known;
}
