/* What the table has beside its rows, and the new one must have too. */
#include <inttypes.h>

#include "applier/mysql/ops.h"

/* The next number that a column gives never goes back: rows that were deleted since had numbers, too. The ghost counts
 * on from the largest it was given. */
enum sc_result my_carry_counter(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    struct my_table source, ghost;
    enum sc_result result = my_table_load(conn, t->schema, t->name, &source, err);
    if (result != SC_OK)
        return result;
    result = my_table_load(conn, t->schema, t->ghost_name, &ghost, err);
    bool counts = false;
    for (int i = 0; result == SC_OK && i < ghost.ncolumns; i++)
        counts = counts || ghost.columns[i].auto_increment;
    if (counts && source.auto_increment > ghost.auto_increment) {
        struct buf sql = {0};
        buf_str(&sql, "ALTER TABLE ");
        my_add_ghost(&sql, t);
        buf_printf(&sql, " AUTO_INCREMENT = %" PRIu64, source.auto_increment);
        result = my_run(conn, err, buf_cstr(&sql));
        buf_fini(&sql);
    }
    if (result == SC_OK)
        my_table_fini(&ghost);
    my_table_fini(&source);
    return result;
}
