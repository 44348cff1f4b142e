/* Going on over changes of a table's columns, for a stream of row changes; a migration never does (config.goes_on).
 *
 * From the statement on that changes it, or from the begin on where the catalog is not what it was there, a table is
 * what its table maps say (told.h). What these do not say is known from when the stream was begun, and a statement that
 * may change any of that is where reading ends. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/plant.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/stream.h"

#define YEAR_HAS_SIGN 80029

/* --- statements
 * ----------------------------------------------------------------------------------------------------------- */

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if (*text & 0x80)
            return false;
    return true;
}

/* Names of columns are compared without their case; letters beyond ASCII may have one, be of another encoding, or be
 * the same as one of ASCII (the sign for kelvin). */
static bool mentions(const struct my_statement *statement, const char *name)
{
    for (size_t i = 0; i < statement->nwords; i++)
        if (strcasecmp(statement->words[i], name) == 0 || !is_ascii(statement->words[i]))
            return true;
    return false;
}

static bool changes_untold(const struct my_statement *statement, const struct source_table *t)
{
    for (size_t i = 0; i < t->nuntold && statement->changes; i++)
        if (mentions(statement, t->untold[i].name))
            return true;
    return false;
}

static bool renames_ruled(const struct my_statement *statement, const struct source_table *t)
{
    for (size_t i = 0; i < t->nruled && statement->renames; i++)
        if (mentions(statement, t->ruled[i]))
            return true;
    return false;
}

bool my_table_may_alter(const struct source *s, const struct my_statement *statement, size_t table, const char **why)
{
    const struct source_table *t = s->tables[table].source;
    if (!s->config.goes_on || s->group != MY_GROUP_STATEMENT ||
        !my_statement_only_alters(statement, t->schema, t->name, s->server.lower_case_table_names))
        return false;
    if (!s->named)
        *why = "it names the table, and the log does not say what its columns are (binlog_row_metadata is not FULL)";
    else if (statement->untold && !PLANTED(E8_UNTOLD_GUESSED))
        *why = "it may add a column of a kind that the log does not tell (generated, UUID, INET4, INET6, VECTOR)";
    else if (changes_untold(statement, t) && !PLANTED(E8_UNTOLD_GUESSED))
        *why = "it may change a column of a kind that the log does not tell (generated, UUID, INET4, INET6, VECTOR)";
    else if (renames_ruled(statement, t) && !PLANTED(E9_RULES_BY_NAME_ALONE))
        *why =
            "it may give a column another name that --audit-columns names, or had named, and what is shown of it would "
            "be decided by another rule";
    else
        return true;
    return false;
}

enum sc_result my_table_altered(struct source *s, size_t table, struct sc_error *err)
{
    struct my_log_table *t = &s->tables[table];
    t->told = !PLANTED(E8_MAPS_NOT_READ);
    t->described = false;
    t->map = NULL;
    return my_table_put_relation(s, t, &(struct relation){.altered = true}, err);
}

/* --- descriptions
 * --------------------------------------------------------------------------------------------------------- */

enum sc_result my_table_told(struct source *s, struct my_log_table *t, const struct my_table_map *map,
                             struct sc_error *err)
{
    if (t->map && my_columns_same(t->map, map))
        return SC_OK;
    struct my_told_from from = {.charsets = s->charsets,
                                .ncharsets = s->ncharsets,
                                .untold = t->source->untold,
                                .nuntold = t->source->nuntold,
                                .leaves_out_stored = my_log_leaves_out_stored(&s->server),
                                .signs_leave_out_year =
                                    s->server.family == MY_MYSQL && s->server.version < YEAR_HAS_SIGN};
    struct my_told told;
    t->map = NULL;
    arena_reset(&t->arena);
    const struct my_table_map *kept = my_table_map_copy(map, &t->arena);
    enum sc_result result = my_told_read(kept, &from, &t->arena, &told, err);
    if (result == SC_OK)
        result = my_table_put_relation(
            s, t,
            &(struct relation){
                .id = (uint32_t)map->table_id, .ncolumns = map->ncolumns, .columns = told.relation, .told = true},
            err);
    if (result != SC_OK)
        return result;
    t->map = kept;
    t->columns = told.columns;
    t->computed = told.computed;
    t->described = true;
    return SC_OK;
}

/* --- the server
 * ----------------------------------------------------------------------------------------------------------- */

static int by_collation(const void *a, const void *b)
{
    uint32_t x = ((const struct my_charset *)a)->collation, y = ((const struct my_charset *)b)->collation;
    return (x > y) - (x < y);
}

static void drop_charsets(struct source *s)
{
    for (size_t i = 0; i < s->ncharsets; i++)
        mem_free((void *)(uintptr_t)s->charsets[i].name);
    mem_free(s->charsets);
    s->charsets = NULL;
    s->ncharsets = 0;
}

/* MariaDB has collations that are of several character sets, with a number for each, in the second one alone. */
static const char *const charsets_sql[] = {
    "SELECT c.ID, c.CHARACTER_SET_NAME, s.MAXLEN FROM information_schema.COLLATIONS c"
    " JOIN information_schema.CHARACTER_SETS s ON s.CHARACTER_SET_NAME = c.CHARACTER_SET_NAME WHERE c.ID IS NOT NULL",
    "SELECT c.ID, c.CHARACTER_SET_NAME, s.MAXLEN FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY c"
    " JOIN information_schema.CHARACTER_SETS s ON s.CHARACTER_SET_NAME = c.CHARACTER_SET_NAME"};

static enum sc_result learn_charsets(struct source *s, struct my_conn *conn, struct sc_error *err)
{
    char *numbered = NULL;
    MYSQL_RES *res = NULL;
    enum sc_result result =
        my_value(conn, err, &numbered,
                 "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME ="
                 " 'COLLATION_CHARACTER_SET_APPLICABILITY' AND COLUMN_NAME = 'ID'");
    if (result == SC_OK)
        result = my_query(conn, err, &res, charsets_sql[numbered ? 1 : 0]);
    mem_free(numbered);
    if (result != SC_OK)
        return error_wrap(err, "cannot read which collations the server has");
    drop_charsets(s);
    s->charsets = mem_array((size_t)mysql_num_rows(res) + 1, sizeof(*s->charsets));
    for (MYSQL_ROW row; (row = mysql_fetch_row(res)) != NULL;)
        if (row[0] && row[1] && row[2])
            s->charsets[s->ncharsets++] = (struct my_charset){.collation = (uint32_t)strtoul(row[0], NULL, 10),
                                                              .longest = (uint32_t)strtoul(row[2], NULL, 10),
                                                              .name = mem_strdup(row[1])};
    mysql_free_result(res);
    qsort(s->charsets, s->ncharsets, sizeof(*s->charsets), by_collation);
    return SC_OK;
}

enum sc_result my_going_on_learn(struct source *s, struct my_conn *conn, struct sc_error *err)
{
    enum sc_result result = my_log_describes(conn, &s->named, err);
    return result == SC_OK ? learn_charsets(s, conn, err) : result;
}

void my_going_on_fini(struct source *s)
{
    drop_charsets(s);
}
