/* A message to ourselves through the log: a row of _seachange_marker, whose change the source hands on. */
#include <stdio.h>
#include <string.h>

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

enum sc_result my_last_marker(struct session *s, char *text, size_t size, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sql = {0};
    char *last = NULL;
    buf_str(&sql, "SELECT text FROM ");
    my_add_state(&sql, t, "marker");
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    enum sc_result result = my_value(s->conn, err, &last, buf_cstr(&sql));
    size_t prefix = strlen(t->message_prefix);
    if (result == SC_OK && (!last || strncmp(last, t->message_prefix, prefix) != 0 || last[prefix] != ' '))
        result = error_set(err, SC_FAIL, "the cutover's marker is gone from table _seachange_marker");
    if (result == SC_OK)
        snprintf(text, size, "%s", last + prefix + 1);
    mem_free(last);
    buf_fini(&sql);
    return result;
}
