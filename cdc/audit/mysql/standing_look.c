/* Where a standing stream stands, asked by somebody else than who runs it. */
#include <stdlib.h>
#include <string.h>

#include "base/mysql/conn.h"
#include "cdc/audit/mysql/standing.h"
#include "cdc/mysql/position_text.h"

/* id, position_order, position_text, sequence_number, partitions, heads */
static enum sc_result take_place(MYSQL_ROW row, struct arena *arena, struct standing_place *out, struct sc_error *err)
{
    struct audit_state *state = &out->state;
    out->id = arena_strdup(arena, row[0]);
    enum sc_result result = my_position_stored(row[1], row[2], &state->position, err);
    if (result == SC_OK && audit_state_read(state, arena, row[3], row[4], row[5]))
        return SC_OK;
    return error_set(err, SC_FAIL, "what tables " MY_STREAM "* hold of stream %s is damaged", out->id);
}

static enum sc_result look_in(struct my_conn *conn, const char *home, const char *stream, const char *schema,
                              const char *table, struct arena *arena, struct standing_place *out, bool *found,
                              struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT s.id, s.position_order, s.position_text, t.sequence_number, t.partitions, t.heads FROM ");
    my_add_qualified(&sql, home, MY_STREAM);
    buf_str(&sql, " s JOIN ");
    my_add_qualified(&sql, home, MY_STREAM_TABLE);
    buf_str(&sql, " t ON t.id = s.id WHERE s.position_order IS NOT NULL AND (s.name = ");
    my_add_literal(&sql, stream);
    buf_str(&sql, " OR s.id = ");
    my_add_literal(&sql, stream);
    buf_str(&sql, ") AND t.schema_name = ");
    my_add_literal(&sql, schema);
    buf_str(&sql, " AND t.table_name = ");
    my_add_literal(&sql, table);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row) {
        *found = true;
        result = take_place(row, arena, out, err);
    }
    mysql_free_result(res);
    return result;
}

enum sc_result my_standing_look(const char *url, const char *stream, const char *schema, const char *table,
                                struct arena *arena, struct standing_place *out, bool *found, struct sc_error *err)
{
    struct my_server server = {.url = mem_strdup(url), .application = mem_strdup("seachange audit")};
    struct my_conn *conn = NULL;
    MYSQL_RES *homes = NULL;
    MYSQL_ROW home;
    *found = false;
    enum sc_result result = my_server_learn(&server, "check", &conn, err);
    if (result == SC_OK)
        result = my_query(conn, err, &homes, MY_STREAM_HOMES);
    while (result == SC_OK && !*found && (home = mysql_fetch_row(homes)))
        result = look_in(conn, home[0], stream, schema, table, arena, out, found, err);
    mysql_free_result(homes);
    my_close(conn);
    my_server_fini(&server);
    return result;
}
