/* What standing streams a server of MySQL or MariaDB knows of, for people. */
#include <stdio.h>
#include <string.h>

#include "cdc/audit/mysql/standing.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/position_text.h"

enum { NAME, ID, ORDER, TEXT, STARTED, UPDATED, OWNER, SERVER, TABLES, CONNECTION };

/* What may not be asked with this account's rights is taken to be well: the stream itself finds out. */
static char *what_is_lost(struct my_conn *conn, const struct my_server *server, MYSQL_ROW row)
{
    struct position at;
    struct sc_error err;
    char *why = NULL;
    error_init(&err);
    if (my_position_stored(row[ORDER], row[TEXT], &at, &err) != SC_OK)
        return mem_strdup("what is stored of its place in the log is damaged");
    if (strcmp(row[SERVER], server->identity) != 0)
        return mem_strdup("it was begun on another server, whose log is not this one's");
    (void)my_log_is_lost(server, conn, &at, &why, &err);
    return why;
}

static const char *note_of(struct my_conn *conn, const struct my_server *server, MYSQL_ROW row, struct arena *arena)
{
    char *why = row[ORDER] && !row[CONNECTION] ? what_is_lost(conn, server, row) : NULL;
    struct buf note = {0};
    if (!row[ORDER]) {
        buf_str(&note, "it has sent nothing yet: it is being begun, or is begun anew with the same command");
    } else if (row[CONNECTION]) {
        buf_printf(&note, "running: its connection is number %s", row[CONNECTION]);
    } else if (why) {
        buf_printf(&note,
                   "not running, and %s, so it cannot go on: `seachange audit remove --audit-stream %s` removes it",
                   why, row[NAME]);
    } else {
        buf_printf(&note,
                   "not running: the same command goes on as long as the server has its log from there on, "
                   "`seachange audit remove --audit-stream %s` removes it",
                   row[NAME]);
    }
    mem_free(why);
    const char *text = arena_strdup(arena, buf_cstr(&note));
    buf_fini(&note);
    return text;
}

static const char *text_of(MYSQL_ROW row, int at, struct arena *arena)
{
    return arena_strdup(arena, row[at] ? row[at] : "");
}

static const char *time_of(MYSQL_ROW row, int at, struct arena *arena)
{
    struct buf time = {0};
    buf_printf(&time, "%s+00", row[at] ? row[at] : "");
    const char *text = arena_strdup(arena, buf_cstr(&time));
    buf_fini(&time);
    return text;
}

struct found {
    struct standing_listed *items;
    size_t count, room;
};

static struct standing_listed *add(struct found *found, struct arena *arena)
{
    if (found->count == found->room) {
        size_t room = found->room ? 2 * found->room : 16;
        struct standing_listed *more = arena_array(arena, room, sizeof(*more));
        if (found->count > 0)
            memcpy(more, found->items, found->count * sizeof(*more));
        found->items = more;
        found->room = room;
    }
    return &found->items[found->count++];
}

static enum sc_result list_in(struct my_conn *conn, const struct my_server *server, const char *home,
                              struct arena *arena, struct found *found, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql,
            "SELECT s.name, s.id, s.position_order, s.position_text, s.started_at, s.updated_at, s.started_by, "
            "s.server_identity, "
            "(SELECT GROUP_CONCAT(CONCAT(t.schema_name, '.', t.table_name) ORDER BY t.number SEPARATOR ', ') FROM ");
    my_add_qualified(&sql, home, MY_STREAM_TABLE);
    buf_str(&sql, " t WHERE t.id = s.id), IS_USED_LOCK(CONCAT('seachange audit ', s.name)) FROM ");
    my_add_qualified(&sql, home, MY_STREAM);
    buf_str(&sql, " s ORDER BY s.started_at, s.name");
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row;
    while (result == SC_OK && (row = mysql_fetch_row(res)) != NULL)
        *add(found, arena) = (struct standing_listed){.name = text_of(row, NAME, arena),
                                                      .id = text_of(row, ID, arena),
                                                      .tables = text_of(row, TABLES, arena),
                                                      .position = text_of(row, TEXT, arena),
                                                      .started = time_of(row, STARTED, arena),
                                                      .updated = time_of(row, UPDATED, arena),
                                                      .owner = text_of(row, OWNER, arena),
                                                      .note = note_of(conn, server, row, arena)};
    mysql_free_result(res);
    return result;
}

enum sc_result my_standing_list(const char *url, struct arena *arena, struct standing_listed **out, size_t *count,
                                struct sc_error *err)
{
    struct my_server server = {.url = mem_strdup(url), .application = mem_strdup("seachange list")};
    struct my_conn *conn = NULL;
    struct found found = {0};
    MYSQL_RES *homes = NULL;
    MYSQL_ROW home;
    enum sc_result result = my_server_learn(&server, "list", &conn, err);
    if (result == SC_OK) /* the names of 50 tables */
        result = my_run(conn, err, "SET SESSION group_concat_max_len = 65536");
    if (result == SC_OK)
        result = my_query(conn, err, &homes, MY_STREAM_HOMES);
    while (result == SC_OK && (home = mysql_fetch_row(homes)) != NULL)
        result = list_in(conn, &server, home[0], arena, &found, err);
    mysql_free_result(homes);
    my_close(conn);
    my_server_fini(&server);
    *out = found.items;
    *count = found.count;
    return result;
}
