/* A message to ourselves through the log: a row of _seachange_marker, whose change the source hands on. */
#include "applier/mysql/ops.h"

enum sc_result my_marker(struct session *s, const char *text, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf message = {0}, sql = {0};
    buf_printf(&message, "%s %s", t->message_prefix, text);
    buf_str(&sql, "INSERT INTO ");
    my_add_state(&sql, t, "marker");
    buf_printf(&sql, " (id, text) VALUES ('%s', ", t->migration.id);
    my_add_literal(&sql, buf_cstr(&message));
    buf_str(&sql, ") ON DUPLICATE KEY UPDATE text = ");
    my_add_literal(&sql, buf_cstr(&message));
    /* A row that is not changed leaves nothing in the log, but no text is written twice. */
    enum sc_result result = my_change(s->conn, err, buf_cstr(&sql), sql.len, NULL);
    buf_fini(&message);
    buf_fini(&sql);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot write a marker to the log");
}
