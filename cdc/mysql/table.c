/* Row events: which table they are for, and what becomes of their rows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/plant.h"
#include "cdc/mysql/rows.h"
#include "cdc/mysql/stream.h"

static const struct source_column marker_columns[] = {
    {.name = "id", .type = "varchar(16)", .collation = "utf8mb4_bin"},
    {.name = "text", .type = "varchar(255)", .collation = "utf8mb4_bin"}};
enum { MARKER_COLUMNS = 2, MARKER_TEXT = 1 };

/* --- which table --- */

static bool same_name(const struct source *s, const char *a, const char *b)
{
    return s->server.lower_case_table_names ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

/* Whether names are compared with their case is the server's, and may be another one's after a restart: those that
 * differ in nothing else stand side by side. */
static int compare_names(const char *schema, const char *table, const struct source_table *other)
{
    int order = strcasecmp(schema, other->schema);
    return order ? order : strcasecmp(table, other->name);
}

static int by_name(const void *a, const void *b)
{
    const struct source_table *t = ((const struct my_log_table *)a)->source;
    return compare_names(t->schema, t->name, ((const struct my_log_table *)b)->source);
}

void my_tables_init(struct source *s)
{
    s->ntables = s->config.ntables;
    s->tables = mem_array(s->ntables, sizeof(*s->tables));
    for (size_t i = 0; i < s->ntables; i++)
        s->tables[i] = (struct my_log_table){.source = &s->config.tables[i],
                                             .told = s->config.goes_on && s->config.tables[i].told};
    qsort(s->tables, s->ntables, sizeof(*s->tables), by_name);
}

void my_tables_fini(struct source *s)
{
    for (size_t i = 0; i < s->ntables; i++)
        arena_fini(&s->tables[i].arena);
    mem_free(s->tables);
    arena_fini(&s->marker.arena);
    mem_free(s->mapped);
}

static struct my_log_table *find_table(const struct source *s, const char *schema, const char *table)
{
    size_t low = 0, high = s->ntables;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(schema, table, s->tables[middle].source) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->ntables && compare_names(schema, table, s->tables[low].source) == 0; low++)
        if (same_name(s, schema, s->tables[low].source->schema) && same_name(s, table, s->tables[low].source->name))
            return &s->tables[low];
    return NULL;
}

/* NULL: neither one of ours nor that of the markers. */
static struct my_log_table *table_of(struct source *s, const struct my_table_map *map)
{
    struct my_log_table *ours = find_table(s, map->schema, map->table);
    if (ours || !s->config.marker_schema)
        return ours;
    bool marker = same_name(s, map->schema, s->config.marker_schema) && same_name(s, map->table, MY_MARKER_TABLE);
    return marker ? &s->marker : NULL;
}

static size_t number_of(const struct source *s, const struct my_log_table *t)
{
    return (size_t)(t - s->tables);
}

/* --- what is told of it --- */

enum sc_result my_table_put_relation(struct source *s, const struct my_log_table *t, const struct relation *relation,
                                     struct sc_error *err)
{
    struct change change = {.kind = CHANGE_RELATION, .relation = *relation};
    change.relation.schema = t->source->schema;
    change.relation.name = t->source->name;
    change.relation.identity = 'f';
    return my_feed_change(&s->feed, number_of(s, t), &change, err);
}

static enum sc_result put_relation(struct source *s, const struct my_log_table *t, uint32_t id,
                                   struct relation_column *columns, uint16_t ncolumns, struct sc_error *err)
{
    struct relation relation = {.id = id, .ncolumns = ncolumns, .columns = columns};
    return my_table_put_relation(s, t, &relation, err);
}

static enum sc_result put_description(struct source *s, const struct my_log_table *t, struct sc_error *err)
{
    const struct my_table_map *map = t->map;
    struct relation_column *columns = arena_array(&s->arena, map->ncolumns, sizeof(*columns));
    for (uint16_t i = 0; i < map->ncolumns; i++) {
        columns[i] = (struct relation_column){.name = map->names           ? map->names[i]
                                                      : t->source->columns ? t->source->columns[i].name
                                                                           : "",
                                              .type = t->columns[i].type,
                                              .modifier = t->columns[i].metadata};
    }
    return put_relation(s, t, (uint32_t)map->table_id, columns, map->ncolumns, err);
}

/* As the catalog has it: no number, no types. */
static enum sc_result put_catalog(struct source *s, const struct my_log_table *t, struct sc_error *err)
{
    uint16_t ncolumns = t->source->columns ? t->source->ncolumns : 0;
    struct relation_column *columns = arena_array(&s->arena, ncolumns, sizeof(*columns));
    for (uint16_t i = 0; i < ncolumns; i++)
        columns[i] = (struct relation_column){.name = t->source->columns[i].name, .modifier = -1};
    return put_relation(s, t, 0, columns, ncolumns, err);
}

enum sc_result my_table_truncated(struct source *s, size_t table, struct sc_error *err)
{
    struct change change = {.kind = CHANGE_TRUNCATE};
    enum sc_result result = SC_OK;
    struct my_log_table *t = &s->tables[table];
    if (t->told && !t->described)
        result = my_table_altered(s, table, err);
    else if (!relations_described(&s->feed.relations, table))
        result = put_catalog(s, t, err);
    return result == SC_OK ? my_feed_change(&s->feed, table, &change, err) : result;
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

static enum sc_result ours_mapped(struct source *s, struct my_log_table *t, const struct my_table_map *map,
                                  struct sc_error *err)
{
    const struct source_table *source = t->source;
    /* What was dealt with before may have had other columns. */
    if (passed_over(s))
        return SC_OK;
    if (t->told)
        return my_table_told(s, t, map, err);
    bool changed = false;
    enum sc_result result = describe(t, map, source->columns, source->ncolumns, &changed, err);
    if (result == SC_OK && changed && map->names && source->columns)
        for (uint16_t i = 0; i < map->ncolumns; i++)
            if (strcasecmp(map->names[i], source->columns[i].name) != 0) {
                result = error_set(err, SC_FAIL, "column %u is called %.100s in the log and %.100s in the catalog",
                                   i + 1u, map->names[i], source->columns[i].name);
                break;
            }
    if (result == SC_OK)
        return changed ? put_description(s, t, err) : SC_OK;
    error_wrap(err, "the log describes table %s.%s otherwise than the catalog", source->schema, source->name);
    error_hint(err, "The table was changed while it is migrated. The source is untouched by the migration; abort it "
                    "and start it again.");
    return result;
}

enum sc_result my_table_mapped(struct source *s, const struct my_table_map *map, struct sc_error *err)
{
    struct my_log_table *t = table_of(s, map);
    if (s->nmapped == s->mapped_cap) {
        s->mapped_cap = s->mapped_cap ? s->mapped_cap * 2 : 16;
        s->mapped = mem_resize(s->mapped, s->mapped_cap * sizeof(*s->mapped));
    }
    s->mapped[s->nmapped++] = (struct my_mapped_id){.id = map->table_id, .table = t};
    if (!t)
        return SC_OK;
    bool changed;
    return t == &s->marker ? describe(t, map, marker_columns, MARKER_COLUMNS, &changed, err)
                           : ours_mapped(s, t, map, err);
}

void my_tables_forget(struct source *s)
{
    for (size_t i = 0; i < s->ntables; i++)
        s->tables[i].map = NULL;
    s->marker.map = NULL;
    s->nmapped = 0;
}

/* --- rows --- */

static const char *column_name(const struct my_log_table *t, int column)
{
    if (t->told)
        return t->map->names[column];
    return t->source->columns && column < t->source->ncolumns ? t->source->columns[column].name : "";
}

static enum sc_result image_lacks(const struct my_log_table *t, int column, const char *image, struct sc_error *err)
{
    error_set(err, SC_FAIL, "the log has a change of %s.%s without column %s in its %s image", t->source->schema,
              t->source->name, column_name(t, column), image);
    return error_hint(err, "Some session writes with binlog_row_image other than FULL. The source is untouched; what "
                           "changed cannot be known: abort the migration, make every session use FULL, and start it "
                           "again.");
}

static bool computed(const struct my_log_table *t, int column)
{
    const bool *is = t->told ? t->computed : t->source->computed;
    return (is && is[column]) || PLANTED(B10_MISSING_COLUMNS_AS_NULL);
}

/* An image may leave out only what the row's other image tells (MariaDB's FULL_NODUP writes of the new row only what
 * changed), and what is computed from the others (MariaDB 11.8 in
 * updates and deletes). */
static enum sc_result check_images(const struct my_log_table *t, const struct my_rows_event *event,
                                   struct sc_error *err)
{
    const char *image;
    for (int i = my_rows_missing(event, 0, &image); i >= 0; i = my_rows_missing(event, i + 1, &image)) {
        bool told = event->op == MY_ROWS_UPDATE && event->before[i / 8] >> i % 8 & 1;
        if (!told && !computed(t, i))
            return image_lacks(t, i, image, err);
    }
    return SC_OK;
}

static void fill_up(const struct my_log_table *t, struct my_row *row)
{
    for (uint16_t i = 0; i < t->map->ncolumns; i++) {
        if (row->before && row->before[i].state == VALUE_ABSENT && computed(t, i))
            row->before[i].state = VALUE_NULL;
        if (row->after && (row->after[i].state == VALUE_ABSENT ||
                           (PLANTED(B3_NULL_IS_LEFT_OUT) && row->after[i].state == VALUE_NULL)))
            row->after[i] = row->before ? row->before[i] : (struct value){.state = VALUE_NULL};
    }
}

static enum sc_result put_rows(struct source *s, const struct my_log_table *t, const struct my_rows_event *event,
                               struct sc_error *err)
{
    struct my_rows rows;
    enum sc_result result = my_rows_begin(&rows, event, t->columns, t->map->ncolumns, err);
    if (result == SC_OK) /* has as many columns as the table */
        result = check_images(t, event, err);
    static const enum change_kind kinds[] = {
        [MY_ROWS_INSERT] = CHANGE_INSERT, [MY_ROWS_UPDATE] = CHANGE_UPDATE, [MY_ROWS_DELETE] = CHANGE_DELETE};
    struct arena arena = {0};
    if (result == SC_OK && s->group == MY_GROUP_XA && s->config.goes_on)
        result = my_xa_hold_description(&s->xa, number_of(s, t), &s->feed.relations.records[number_of(s, t)], err);
    while (result == SC_OK) {
        struct my_row row;
        bool more = false;
        result = my_rows_next(&rows, &arena, &row, &more, err);
        if (result != SC_OK || !more)
            break;
        fill_up(t, &row);
        struct change change = {
            .kind = kinds[event->op], .ncolumns = t->map->ncolumns, .old_row = row.before, .new_row = row.after};
        result = s->group == MY_GROUP_XA ? my_xa_hold(&s->xa, number_of(s, t), &change, err)
                                         : my_feed_change(&s->feed, number_of(s, t), &change, err);
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
static enum sc_result from_elsewhere(const struct source *s, const struct source_table *t, uint32_t server_id,
                                     struct sc_error *err)
{
    error_set(err, SC_FAIL,
              "rows of %s.%s come from another server by replication (server_id %" PRIu32 ", this one has %" PRIu32
              "); behind the swap they would not fit the new table",
              t->schema, t->name, server_id, s->server.server_id);
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
    struct my_log_table *t = mapped ? mapped->table : NULL;
    bool marker = t && t == &s->marker, ours = t && !marker && !passed_over(s);
    /* Ours without a map: what was passed over when the table was named is no longer. */
    if ((!mapped && !is_dummy(event->table_id)) || (ours && !t->map))
        result = error_set(err, SC_FAIL, "the server sent rows of a table that it did not describe");
    else if (ours && s->server.server_id && server_id != s->server.server_id)
        result = from_elsewhere(s, t->source, server_id, err);
    else if (ours)
        result = put_rows(s, t, event, err);
    else if (marker && !s->feed.passing)
        result = put_markers(s, event, err);
    if (event->end_of_statement)
        s->nmapped = 0;
    return result;
}
