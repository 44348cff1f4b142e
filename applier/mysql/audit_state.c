/* Where the audit's stream stands, as it is stored. */
#include <inttypes.h>
#include <stdlib.h>

#include "applier/mysql/ops.h"
#include "cdc/mysql/position_text.h"

#define ER_NO_SUCH_TABLE 1146

static enum sc_result take_row(struct target *t, MYSQL_RES *res, MYSQL_ROW row, struct arena *arena,
                               struct audit_stored *out, struct sc_error *err)
{
    const char *gap = my_column_text(res, row, "gap");
    struct audit_state *state = &out->state;
    out->settings = arena_strdup(arena, my_column_text(res, row, "settings"));
    out->gap = gap ? arena_strdup(arena, gap) : NULL;
    out->ended = my_column_number(res, row, "ended") != 0;
    enum sc_result result = my_position_stored(my_column_text(res, row, "position_order"),
                                               my_column_text(res, row, "position_text"), &state->position, err);
    if (result == SC_OK && audit_state_read(state, arena, my_column_text(res, row, "sequence"),
                                            my_column_text(res, row, "partitions"), my_column_text(res, row, "heads")))
        return SC_OK;
    return error_set(err, SC_FAIL, "what table _seachange_audit holds of migration %s is damaged", t->migration.id);
}

enum sc_result my_audit_load(struct session *s, struct arena *arena, struct audit_stored *out, bool *found,
                             struct sc_error *err)
{
    struct target *t = s->target;
    *out = (struct audit_stored){0};
    *found = false;
    struct buf sql = {0};
    buf_str(&sql, "SELECT * FROM ");
    my_add_state(&sql, t, "audit");
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    if (result == SC_FAIL && my_errno(s->conn) == ER_NO_SUCH_TABLE) { /* begun by an earlier version */
        error_init(err);
        return SC_OK;
    }
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    *found = row != NULL;
    if (row)
        result = take_row(t, res, row, arena, out, err);
    mysql_free_result(res);
    return result;
}

/* The token is looked at without a lock: an instance that was taken over in this moment stores a place to which the
 * stream has come as well. */
static enum sc_result look_at_token(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    struct buf sql = {0};
    char *ours = NULL;
    buf_str(&sql, "SELECT 1 FROM ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql, " WHERE id = '%s' AND token = %" PRIu64, t->migration.id, t->token);
    enum sc_result result = my_value(s->conn, err, &ours, buf_cstr(&sql));
    if (result == SC_OK && !ours)
        result =
            error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops", t->migration.id);
    mem_free(ours);
    buf_fini(&sql);
    return result;
}

static void add_assignments(struct buf *sql, const struct audit_stored *stored)
{
    const struct audit_state *state = &stored->state;
    buf_printf(sql, "position_order = %" PRIu64 ", sequence = %" PRIu64 ", ended = %d, updated_at = UTC_TIMESTAMP()",
               state->position.order, state->sequence, stored->ended);
    buf_str(sql, ", position_text = ");
    my_add_literal(sql, state->position.text);
    buf_str(sql, ", heads = '");
    audit_heads_format(sql, state->heads, state->partitions);
    buf_str(sql, "', gap = ");
    if (stored->gap)
        my_add_literal(sql, stored->gap);
    else
        buf_str(sql, "NULL");
}

enum sc_result my_audit_store(struct session *s, const struct audit_stored *stored, struct sc_error *err)
{
    enum sc_result result = look_at_token(s, err);
    if (result != SC_OK)
        return result;
    struct buf sql = {0};
    buf_str(&sql, "INSERT INTO ");
    my_add_state(&sql, s->target, "audit");
    buf_printf(&sql, " SET id = '%s', partitions = %" PRId32 ", settings = ", s->target->migration.id,
               stored->state.partitions);
    my_add_literal(&sql, stored->settings);
    buf_str(&sql, ", ");
    add_assignments(&sql, stored);
    buf_str(&sql, " ON DUPLICATE KEY UPDATE ");
    add_assignments(&sql, stored);
    result = my_change(s->conn, err, buf_cstr(&sql), sql.len, NULL);
    buf_fini(&sql);
    return result;
}
