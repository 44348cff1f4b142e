/* Row events: which table they are for, and what becomes of their rows. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/plant.h"
#include "cdc/mysql/rows.h"
#include "cdc/mysql/stream.h"

static const struct source_column marker_columns[] = {{"id", "varchar(16)", "utf8mb4_bin"},
                                                      {"text", "varchar(255)", "utf8mb4_bin"}};
enum { MARKER_COLUMNS = 2, MARKER_TEXT = 1 };

/* --- which table --- */

static bool same_name(const struct source *s, const char *a, const char *b)
{
    return s->server.lower_case_table_names ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static enum my_table_role role_of(const struct source *s, const struct my_table_map *map)
{
    if (!same_name(s, map->schema, s->config.table_schema))
        return MY_TABLE_OTHER;
    if (same_name(s, map->table, s->config.table_name))
        return MY_TABLE_OURS;
    return same_name(s, map->table, MY_MARKER_TABLE) ? MY_TABLE_MARKER : MY_TABLE_OTHER;
}

static enum sc_result put_relation(struct source *s, struct sc_error *err)
{
    const struct my_table_map *map = s->ours.map;
    struct relation_column *columns = arena_array(&s->arena, map->ncolumns, sizeof(*columns));
    for (uint16_t i = 0; i < map->ncolumns; i++) {
        columns[i] = (struct relation_column){.name = map->names          ? map->names[i]
                                                      : s->config.columns ? s->config.columns[i].name
                                                                          : "",
                                              .type = s->ours.columns[i].type,
                                              .modifier = s->ours.columns[i].metadata};
    }
    struct change change = {.kind = CHANGE_RELATION,
                            .relation = {.id = (uint32_t)map->table_id,
                                         .schema = s->config.table_schema,
                                         .name = s->config.table_name,
                                         .identity = 'f',
                                         .ncolumns = map->ncolumns,
                                         .columns = columns}};
    return my_feed_change(&s->feed, &change, err);
}

/* Keeps the description, where it is another one than before. */
static enum sc_result describe(struct my_log_table *table, const struct my_table_map *map,
                               const struct source_column *catalog, uint16_t ncatalog, bool *changed,
                               struct sc_error *err)
{
    *changed = !table->map || !my_columns_same(table->map, map);
    if (!*changed)
        return SC_OK;
    arena_reset(&table->arena);
    table->map = my_table_map_copy(map, &table->arena);
    enum sc_result result = my_columns_build(table->map, catalog, ncatalog, &table->arena, &table->columns, err);
    if (result != SC_OK)
        table->map = NULL;
    return result;
}

/* An XA transaction may be decided about later than where all is dealt with. */
static bool passed_over(const struct source *s)
{
    return s->feed.passing && s->group != MY_GROUP_XA;
}

static enum sc_result ours_mapped(struct source *s, const struct my_table_map *map, struct sc_error *err)
{
    /* What was dealt with before may have had other columns. */
    if (passed_over(s))
        return SC_OK;
    bool changed = false;
    enum sc_result result = describe(&s->ours, map, s->config.columns, s->config.ncolumns, &changed, err);
    if (result == SC_OK && changed && map->names && s->config.columns)
        for (uint16_t i = 0; i < map->ncolumns; i++)
            if (strcasecmp(map->names[i], s->config.columns[i].name) != 0) {
                result = error_set(err, SC_FAIL, "column %u is called %.100s in the log and %.100s in the catalog",
                                   i + 1u, map->names[i], s->config.columns[i].name);
                break;
            }
    if (result == SC_OK)
        return changed ? put_relation(s, err) : SC_OK;
    error_wrap(err, "the log describes table %s.%s otherwise than the catalog", s->config.table_schema,
               s->config.table_name);
    error_hint(err, "The table was changed while it is migrated. The source is untouched by the migration; abort it "
                    "and start it again.");
    return result;
}

enum sc_result my_table_mapped(struct source *s, const struct my_table_map *map, struct sc_error *err)
{
    enum my_table_role role = role_of(s, map);
    if (s->nmapped == s->mapped_cap) {
        s->mapped_cap = s->mapped_cap ? s->mapped_cap * 2 : 16;
        s->mapped = mem_resize(s->mapped, s->mapped_cap * sizeof(*s->mapped));
    }
    s->mapped[s->nmapped++] = (struct my_mapped_id){.id = map->table_id, .role = role};
    bool changed;
    switch (role) {
    case MY_TABLE_OTHER:
        return SC_OK;
    case MY_TABLE_OURS:
        return ours_mapped(s, map, err);
    case MY_TABLE_MARKER:
        return describe(&s->marker, map, marker_columns, MARKER_COLUMNS, &changed, err);
    }
    return SC_OK;
}

void my_tables_forget(struct source *s)
{
    s->ours.map = s->marker.map = NULL;
    s->nmapped = 0;
}

/* --- rows --- */

static enum sc_result image_lacks(struct source *s, int column, const char *image, struct sc_error *err)
{
    const char *name = s->config.columns && column < s->config.ncolumns ? s->config.columns[column].name : "";
    error_set(err, SC_FAIL, "the log has a change of %s.%s without column %s in its %s image", s->config.table_schema,
              s->config.table_name, name, image);
    return error_hint(err, "Some session writes with binlog_row_image other than FULL. The source is untouched; what "
                           "changed cannot be known: abort the migration, make every session use FULL, and start it "
                           "again.");
}

static bool computed(const struct source *s, int column)
{
    return (s->config.computed && s->config.computed[column]) || PLANTED(B10_MISSING_COLUMNS_AS_NULL);
}

/* An image may leave out only what the row's other image tells (MariaDB's FULL_NODUP writes of the new row only what
 * changed), and what is computed from the others (MariaDB 11.8 in
 * updates and deletes). */
static enum sc_result check_images(struct source *s, const struct my_rows_event *event, struct sc_error *err)
{
    const char *image;
    for (int i = my_rows_missing(event, 0, &image); i >= 0; i = my_rows_missing(event, i + 1, &image)) {
        bool told = event->op == MY_ROWS_UPDATE && event->before[i / 8] >> i % 8 & 1;
        if (!told && !computed(s, i))
            return image_lacks(s, i, image, err);
    }
    return SC_OK;
}

static void fill_up(const struct source *s, struct my_row *row)
{
    for (uint16_t i = 0; i < s->ours.map->ncolumns; i++) {
        if (row->before && row->before[i].state == VALUE_ABSENT && computed(s, i))
            row->before[i].state = VALUE_NULL;
        if (row->after && (row->after[i].state == VALUE_ABSENT ||
                           (PLANTED(B3_NULL_IS_LEFT_OUT) && row->after[i].state == VALUE_NULL)))
            row->after[i] = row->before ? row->before[i] : (struct value){.state = VALUE_NULL};
    }
}

static enum sc_result put_rows(struct source *s, const struct my_rows_event *event, struct sc_error *err)
{
    struct my_rows rows;
    enum sc_result result = my_rows_begin(&rows, event, s->ours.columns, s->ours.map->ncolumns, err);
    if (result == SC_OK) /* has as many columns as the table */
        result = check_images(s, event, err);
    static const enum change_kind kinds[] = {
        [MY_ROWS_INSERT] = CHANGE_INSERT, [MY_ROWS_UPDATE] = CHANGE_UPDATE, [MY_ROWS_DELETE] = CHANGE_DELETE};
    struct arena arena = {0};
    while (result == SC_OK) {
        struct my_row row;
        bool more = false;
        result = my_rows_next(&rows, &arena, &row, &more, err);
        if (result != SC_OK || !more)
            break;
        fill_up(s, &row);
        struct change change = {
            .kind = kinds[event->op], .ncolumns = s->ours.map->ncolumns, .old_row = row.before, .new_row = row.after};
        result = s->group == MY_GROUP_XA ? my_xa_hold(&s->xa, &change, err) : my_feed_change(&s->feed, &change, err);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return result;
}

/* Our markers begin with the prefix and a blank; those of other migrations are passed over. */
static enum sc_result put_markers(struct source *s, const struct my_rows_event *event, struct sc_error *err)
{
    if (event->op == MY_ROWS_DELETE)
        return SC_OK;
    struct my_rows rows;
    enum sc_result result = my_rows_begin(&rows, event, s->marker.columns, s->marker.map->ncolumns, err);
    size_t prefix = strlen(s->config.message_prefix);
    while (result == SC_OK) {
        struct my_row row;
        bool more = false;
        result = my_rows_next(&rows, &s->arena, &row, &more, err);
        if (result != SC_OK || !more)
            break;
        const struct value *text = &row.after[MARKER_TEXT];
        if (text->state == VALUE_PRESENT && text->len > prefix &&
            strncmp(text->data, s->config.message_prefix, prefix) == 0 && text->data[prefix] == ' ')
            my_feed_marker(&s->feed, text->data + prefix + 1);
    }
    return result;
}

static const struct my_mapped_id *find(const struct source *s, uint64_t id)
{
    for (size_t i = s->nmapped; i > 0; i--)
        if (s->mapped[i - 1].id == id)
            return &s->mapped[i - 1];
    return NULL;
}

/* A statement of many tables ends with a row event of no table, whose number is all ones (24, 32 or 48 bits). */
static bool is_dummy(uint64_t id)
{
    return id == 0xffffff || id == 0xffffffff || id == UINT64_C(0xffffffffffff);
}

/* They are put into columns by their place, and what comes behind the swap would be put into the wrong ones. */
static enum sc_result from_elsewhere(const struct source *s, uint32_t server_id, struct sc_error *err)
{
    error_set(err, SC_FAIL,
              "rows of %s.%s come from another server by replication (server_id %" PRIu32 ", this one has %" PRIu32
              "); behind the swap they would not fit the new table",
              s->config.table_schema, s->config.table_name, server_id, s->server.server_id);
    return error_hint(err, "The source is untouched. Abort the migration, and run it on the server where the table is "
                           "written to; replicas get the new table from there.");
}

enum sc_result my_table_rows(struct source *s, const struct my_rows_event *event, uint32_t server_id,
                             struct sc_error *err)
{
    enum sc_result result = SC_OK;
    const struct my_mapped_id *mapped = find(s, event->table_id);
    if (!s->feed.in_group)
        return error_set(err, SC_FAIL, "the server sent rows outside a transaction");
    if (mapped && mapped->role == MY_TABLE_OURS && !passed_over(s))
        result = s->server.server_id && server_id != s->server.server_id ? from_elsewhere(s, server_id, err)
                                                                         : put_rows(s, event, err);
    else if (mapped && mapped->role == MY_TABLE_MARKER && !s->feed.passing)
        result = put_markers(s, event, err);
    else if (!mapped && !is_dummy(event->table_id))
        result = error_set(err, SC_FAIL, "the server sent rows of a table that it did not describe");
    if (event->end_of_statement)
        s->nmapped = 0;
    return result;
}
