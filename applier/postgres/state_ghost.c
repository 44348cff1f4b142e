/* What was made of the ghost, as it is stored: the mapping of its columns, what is still to be done to it. */
#include "applier/postgres/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/mapping.h"

static void add_array(struct buf *b, const struct pg_table *source, const int *columns, int count)
{
    buf_char(b, '{');
    for (int i = 0; i < count; i++) {
        buf_str(b, i ? "," : "");
        pg_add_array_element(b, source->columns[columns[i]].name);
    }
    buf_char(b, '}');
}

static enum sc_result store_mapped(struct target *t, int number, struct sc_error *err)
{
    const struct pg_mapped *m = &t->map.columns[number];
    struct buf inputs = {0};
    add_array(&inputs, &t->source, m->inputs, m->ninputs);
    char text[16], position[16];
    snprintf(text, sizeof(text), "%d", number);
    const char *key = NULL;
    for (int k = 0; k < t->map.nkey; k++) {
        if (t->map.key[k] == number) {
            snprintf(position, sizeof(position), "%d", k);
            key = position;
        }
    }
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        t->control, err, &res,
        "INSERT INTO seachange.mapped (id, number, ghost_column, expression, source_column, inputs, key_position)"
        " VALUES ($1, $2::int4, $3, $4, $5, $6::text[], $7::int4)",
        7,
        (const char *[]){t->migration.id, text, m->ghost_column, m->expression,
                         m->source_column >= 0 ? t->source.columns[m->source_column].name : NULL, buf_cstr(&inputs),
                         key});
    PQclear(res);
    buf_fini(&inputs);
    return result;
}

static enum sc_result store_todo(struct target *t, const struct pg_todo *todo, struct sc_error *err)
{
    char number[16], stage[16];
    snprintf(number, sizeof(number), "%d", todo->number);
    snprintf(stage, sizeof(stage), "%d", (int)todo->stage);
    PGresult *res = NULL;
    enum sc_result result = pg_query(t->control, err, &res,
                                     "INSERT INTO seachange.todo (id, number, stage, name, sql)"
                                     " VALUES ($1, $2::int4, $3::int4, $4, $5)",
                                     5, (const char *[]){t->migration.id, number, stage, todo->name, todo->sql});
    PQclear(res);
    return result;
}

enum sc_result pg_state_store_ghost(struct target *t, struct sc_error *err)
{
    char ghost[16], key[16];
    snprintf(ghost, sizeof(ghost), "%u", t->ghost_oid);
    snprintf(key, sizeof(key), "%u", t->key.index);
    enum sc_result result =
        pg_runf(t->control, err,
                "DELETE FROM seachange.mapped WHERE id = '%s'; DELETE FROM seachange.todo WHERE id = '%s';"
                "DELETE FROM seachange.part WHERE id = '%s'; DELETE FROM seachange.chunk WHERE id = '%s';"
                "DELETE FROM seachange.verified WHERE id = '%s'",
                t->migration.id, t->migration.id, t->migration.id, t->migration.id, t->migration.id);
    PGresult *res = NULL;
    if (result == SC_OK)
        result = pg_query(t->control, err, &res,
                          "UPDATE seachange.migration SET ghost_oid = $2::oid, key_index = $3::oid, fingerprint = $4,"
                          " relation_fingerprint = $5 WHERE id = $1",
                          5, (const char *[]){t->migration.id, ghost, key, t->fingerprint, t->relation_fingerprint});
    PQclear(res);
    for (int i = 0; i < t->map.ncolumns && result == SC_OK; i++)
        result = store_mapped(t, i, err);
    for (int i = 0; i < t->ntodo && result == SC_OK; i++)
        result = store_todo(t, &t->todo[i], err);
    return result;
}

enum sc_result pg_todo_done(struct target *t, struct pg_conn *conn, struct pg_todo *todo, struct sc_error *err)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", todo->number);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(conn, err, &res, "UPDATE seachange.todo SET done = true WHERE id = $1 AND number = $2::int4", 2,
                 (const char *[]){t->migration.id, number});
    PQclear(res);
    return result;
}

static enum sc_result load_mapped(struct target *t, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        t->control, err, &res,
        "SELECT ghost_column, expression, source_column, key_position, i.ord, i.name"
        " FROM seachange.mapped m LEFT JOIN LATERAL pg_catalog.unnest(inputs) WITH ORDINALITY i(name, ord) ON true"
        " WHERE id = $1 ORDER BY number, i.ord",
        1, (const char *[]){t->migration.id});
    if (result != SC_OK)
        return result;
    int rows = PQntuples(res);
    t->map.columns = arena_array(&t->arena, (size_t)rows + 1, sizeof(*t->map.columns));
    t->map.key = arena_array(&t->arena, (size_t)rows + 1, sizeof(int));
    t->map.ncolumns = t->map.nkey = 0;
    struct pg_mapped *m = NULL;
    for (int i = 0; i < rows && result == SC_OK; i++) {
        const char *ordinal = pg_column_text(res, i, "ord");
        if (!ordinal || strcmp(ordinal, "1") == 0) {
            const char *source = pg_column_text(res, i, "source_column"), *key = pg_column_text(res, i, "key_position");
            m = &t->map.columns[t->map.ncolumns];
            m->ghost_column = arena_strdup(&t->arena, pg_column_text(res, i, "ghost_column"));
            m->expression = arena_strdup(&t->arena, pg_column_text(res, i, "expression"));
            m->source_column = source ? pg_table_column(&t->source, source) : -1;
            m->inputs = arena_array(&t->arena, (size_t)t->source.ncolumns + 1, sizeof(int));
            if (key) {
                long position = strtol(key, NULL, 10);
                if (position < 0 || position >= rows)
                    result = error_set(err, SC_FAIL, "the stored key of migration %s is damaged", t->migration.id);
                else
                    t->map.key[position] = t->map.ncolumns;
                t->map.nkey++;
            }
            t->map.ncolumns++;
        }
        const char *input = pg_column_text(res, i, "name");
        int column = input ? pg_table_column(&t->source, input) : -1;
        if (input && (column < 0 || m->ninputs >= t->source.ncolumns))
            result =
                error_set(err, SC_FAIL, "column %s, which the migration reads, is not in the table any more", input);
        else if (input)
            m->inputs[m->ninputs++] = column;
    }
    PQclear(res);
    return result;
}

static enum sc_result load_todo(struct target *t, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(t->control, err, &res,
                 "SELECT number, stage, name, sql, done FROM seachange.todo WHERE id = $1 ORDER BY number", 1,
                 (const char *[]){t->migration.id});
    if (result != SC_OK)
        return result;
    t->ntodo = PQntuples(res);
    t->todo = arena_array(&t->arena, (size_t)t->ntodo + 1, sizeof(*t->todo));
    for (int i = 0; i < t->ntodo; i++) {
        struct pg_todo *todo = &t->todo[i];
        todo->number = (int)pg_column_number(res, i, "number");
        todo->stage = (enum pg_stage)pg_column_number(res, i, "stage");
        todo->name = arena_strdup(&t->arena, pg_column_text(res, i, "name"));
        todo->sql = arena_strdup(&t->arena, pg_column_text(res, i, "sql"));
        todo->done = strcmp(pg_column_text(res, i, "done"), "t") == 0;
        if (todo->stage == STAGE_KEY)
            t->key_ready = todo->done;
    }
    PQclear(res);
    return SC_OK;
}

enum sc_result pg_state_load(struct target *t, struct sc_error *err)
{
    if (t->migration.phase <= PHASE_PREPARE)
        return SC_OK;
    enum sc_result result = pg_checkpoint_read(t, t->control, err);
    /* Before the swap the source is read again; after it nothing needs it any more. */
    if (result == SC_OK && t->migration.phase < PHASE_CLEANUP) {
        Oid oid = t->source.oid;
        struct pg_table loaded = {0};
        result = pg_table_load(t->control, oid, &loaded, err);
        if (result == SC_OK) {
            pg_table_fini(&t->source);
            t->source = loaded;
            result = pg_key_load(t, t->key.index, err);
        }
        if (result == SC_OK)
            result = load_mapped(t, err);
        if (result == SC_OK && t->map.nkey != t->key.count)
            result = error_set(err, SC_FAIL, "the stored key of migration %s is damaged", t->migration.id);
        if (result == SC_OK)
            result = pg_ghost_key_types(t, t->control, err);
    }
    if (result == SC_OK)
        result = load_todo(t, err);
    char *rows = NULL;
    if (result == SC_OK)
        result = pg_value(t->control, err, &rows,
                          "SELECT pg_catalog.sum(rows)::pg_catalog.int8 FROM seachange.chunk WHERE id = $1", 1,
                          (const char *[]){t->migration.id});
    t->migration.rows_copied = rows ? strtoull(rows, NULL, 10) : 0;
    mem_free(rows);
    return result;
}
