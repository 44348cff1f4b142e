#include "applier/mysql/sets.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"

#define STATEMENT_ROWS 2000
/* So many rows may have been staged until the temporary tables are emptied. */
#define STAGE_ROWS_MOST 20000
/* What one set, or one change, takes at most. */
#define STATEMENTS_AT_ONCE 4
/* The optimizers look keys of a list up one by one only up to some size. */
#define LIST_KEYS 1000

/* --- the script
 * ----------------------------------------------------------------------------------------------------------- */

enum sc_result my_count_differs(const struct session *s, const char *what, uint64_t expected, uint64_t found,
                                struct sc_error *err)
{
    error_set(err, SC_FAIL,
              "the ghost of %s.%s does not agree with the log: %s should have found %" PRIu64
              " rows and found %" PRIu64,
              s->target->schema, s->target->name, what, expected, found);
    return error_hint(
        err,
        "Somebody wrote to the ghost table, or this is a fault in seachange. The source table is complete and "
        "untouched. Run `seachange abort %s` and start again; please report it.",
        s->target->migration.id);
}

static enum sc_result check(const struct session *s, const struct my_expectation *e, uint64_t affected, uint64_t count,
                            struct sc_error *err)
{
    uint64_t found = e->expect == MY_EXPECT_AFFECTED ? affected : count;
    if (e->expect == MY_EXPECT_ANYTHING || found == e->rows || PLANTED(B5_COUNTS_NOT_CHECKED))
        return SC_OK;
    return my_count_differs(s, e->what, e->rows, found, err);
}

static enum sc_result run_singly(struct session *s, struct my_script *script, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    size_t at = 0;
    for (int i = 0; i < script->count && result == SC_OK; i++) {
        const struct my_expectation *e = &script->statements[i];
        uint64_t affected = 0, count = 0;
        if (e->expect == MY_EXPECT_COUNT) {
            char *sql = mem_strndup(script->sql.data + at, e->end - at), *value = NULL;
            result = my_value(s->conn, err, &value, sql);
            count = value ? strtoull(value, NULL, 10) : 0;
            mem_free(value);
            mem_free(sql);
        } else {
            result = my_change(s->conn, err, script->sql.data + at, e->end - at, &affected);
        }
        if (result == SC_OK)
            result = check(s, e, affected, count, err);
        at = e->end + 1;
    }
    return result;
}

/* What one statement gave. *warnings grows. */
static enum sc_result read_result(struct session *s, uint64_t *affected, uint64_t *count, unsigned *warnings,
                                  struct sc_error *err)
{
    MYSQL *my = s->conn->my;
    MYSQL_RES *res = mysql_store_result(my);
    if (!res && mysql_field_count(my) > 0)
        return my_failed(s->conn, err);
    *affected = res ? 0 : mysql_affected_rows(my);
    *count = 0;
    *warnings += mysql_warning_count(my);
    MYSQL_ROW row = res ? mysql_fetch_row(res) : NULL;
    if (row && row[0])
        *count = strtoull(row[0], NULL, 10);
    mysql_free_result(res);
    return SC_OK;
}

/* A warning can only be asked for before the next statement runs, so here it is only noticed. */
static enum sc_result run_together(struct session *s, struct my_script *script, struct sc_error *err)
{
    MYSQL *my = s->conn->my;
    s->conn->error = 0;
    my_count_sent((uint64_t)script->count);
    if (mysql_real_query(my, script->sql.data, (unsigned long)script->sql.len) != 0)
        return my_failed(s->conn, err);
    enum sc_result result = SC_OK;
    unsigned warnings = 0;
    int i = 0, more;
    do {
        uint64_t affected = 0, count = 0;
        enum sc_result read = read_result(s, &affected, &count, &warnings, err);
        if (read != SC_OK)
            return read;
        if (result == SC_OK && i < script->count)
            result = check(s, &script->statements[i], affected, count, err);
        i++;
        more = mysql_next_result(my);
    } while (more == 0);
    if (more > 0)
        return my_failed(s->conn, err);
    if (result == SC_OK && i != script->count)
        result = error_set(err, SC_FAIL, "the server answered %d statements, %d were sent", i, script->count);
    if (warnings > 0 && result == SC_OK && !PLANTED(B6_LAX_CONVERSION)) {
        s->apply->sets->warned = true;
        result = error_set(err, SC_FAIL, "the server gave %u warnings", warnings);
    }
    return result;
}

/* Empty again; what one huge row took is given back. */
static void shrink(struct buf *b, size_t most)
{
    if (b->cap > most * 4)
        buf_fini(b);
    else
        buf_clear(b);
}

static enum sc_result run_script(struct session *s, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    struct my_script *script = &sets->script;
    if (script->count == 0)
        return SC_OK;
    enum sc_result result = SC_OK;
    if (s->in_cutover && my_cutover_is_late(s)) {
        result = error_set(err, SC_RETRY, "what was still to be applied did not get done in the time of a cutover");
    } else if (script->sql.len >= s->target->server.max_allowed_packet) {
        result = error_set(err, SC_FAIL, "a row of %s.%s takes %zu bytes as a statement, and the server takes %" PRIu64,
                           s->target->schema, s->target->name, script->sql.len, s->target->server.max_allowed_packet);
        error_hint(err, "The source is untouched. SET GLOBAL max_allowed_packet to more, and run the same command.");
    } else {
        result = sets->singly ? run_singly(s, script, err) : run_together(s, script, err);
    }
    script->count = 0;
    shrink(&script->sql, sets->most);
    return result;
}

/* Makes room for a statement of `len` bytes. */
static enum sc_result reserve(struct session *s, size_t len, struct sc_error *err)
{
    struct my_script *script = &s->apply->sets->script;
    if (script->count + STATEMENTS_AT_ONCE <= MY_SCRIPT_STATEMENTS && script->sql.len + len <= s->apply->sets->most)
        return SC_OK;
    return run_script(s, err);
}

static void begin_statement(struct session *s)
{
    struct my_script *script = &s->apply->sets->script;
    if (script->count > 0)
        buf_char(&script->sql, ';');
}

static void end_statement(struct session *s, enum my_expect expect, uint64_t rows, const char *what)
{
    struct my_script *script = &s->apply->sets->script;
    assert(script->count < MY_SCRIPT_STATEMENTS);
    script->statements[script->count++] =
        (struct my_expectation){.expect = expect, .rows = rows, .end = script->sql.len, .what = what};
}

static void add_statement(struct session *s, const char *sql, enum my_expect expect, uint64_t rows, const char *what)
{
    begin_statement(s);
    buf_str(&s->apply->sets->script.sql, sql);
    end_statement(s, expect, rows, what);
}

/* --- a statement of many rows
 * ------------------------------------------------------------------------------------------- */

static void with_list(struct session *s, const char *before, const struct buf *list, const char *after)
{
    struct buf *sql = &s->apply->sets->script.sql;
    begin_statement(s);
    buf_str(sql, before);
    buf_bytes(sql, list->data, list->len);
    buf_str(sql, after);
}

/* "DELETE FROM ghost WHERE (key) IN (...)" and the like. */
static void key_statement(struct session *s, const char *before, enum my_expect expect, const char *what)
{
    struct my_sets *sets = s->apply->sets;
    struct buf head = {0};
    buf_printf(&head, "%s WHERE %s IN (", before, sets->key_tuple);
    with_list(s, buf_cstr(&head), &sets->keys_list, ")");
    end_statement(s, expect, sets->rows, what);
    buf_fini(&head);
}

static char *on_ghost(const struct session *s, const char *before, const char *after)
{
    return mem_printf("%s%s%s", before, s->apply->ghost, after);
}

static void close_direct(struct session *s)
{
    struct my_sets *sets = s->apply->sets;
    char *sql = NULL;
    switch (sets->kind) {
    case MY_SET_DELETE:
        sql = on_ghost(s, "DELETE FROM ", "");
        key_statement(s, sql, sets->counted ? MY_EXPECT_AFFECTED : MY_EXPECT_ANYTHING, "DELETE");
        break;
    case MY_SET_PARK:
        sql = mem_printf("UPDATE %s SET %s", s->apply->ghost, sets->park);
        key_statement(s, sql, MY_EXPECT_ANYTHING, "UPDATE");
        break;
    case MY_SET_UPDATE:
        sql = on_ghost(s, "SELECT COUNT(*) FROM ", "");
        key_statement(s, sql, MY_EXPECT_COUNT, "UPDATE");
        /* Every key is there, and the key's index is the first that a new row meets. */
        with_list(s, sets->insert_into, &sets->values_list, sets->on_duplicate);
        end_statement(s, MY_EXPECT_ANYTHING, 0, "UPDATE");
        break;
    case MY_SET_UPSERT:
        with_list(s, sets->insert_into, &sets->values_list, sets->on_duplicate);
        end_statement(s, MY_EXPECT_ANYTHING, 0, "INSERT");
        break;
    case MY_SET_INSERT:
        with_list(s, sets->insert_into, &sets->values_list, "");
        end_statement(s, MY_EXPECT_AFFECTED, sets->rows, "INSERT");
        break;
    case MY_SET_NONE:
        break;
    }
    mem_free(sql);
}

static void stage_keys(struct session *s)
{
    struct my_sets *sets = s->apply->sets;
    with_list(s, sets->into_keys, &sets->keys_list, "");
    end_statement(s, MY_EXPECT_AFFECTED, sets->rows, "INSERT");
}

static void stage_rows(struct session *s)
{
    struct my_sets *sets = s->apply->sets;
    with_list(s, sets->into_stage, &sets->values_list, "");
    end_statement(s, MY_EXPECT_AFFECTED, sets->rows, "INSERT");
}

/* A statement on the rows that were staged last: `before`, the condition that finds them, `after`. */
static void staged_statement(struct session *s, const char *before, const char *where, const char *after,
                             enum my_expect expect, const char *what)
{
    struct my_sets *sets = s->apply->sets;
    begin_statement(s);
    buf_printf(&sets->script.sql, "%s%s BETWEEN %" PRIu64 " AND %" PRIu64 "%s", before, where,
               sets->next_row - sets->rows, sets->next_row - 1, after);
    end_statement(s, expect, sets->rows, what);
}

static void close_staged(struct session *s)
{
    struct my_sets *sets = s->apply->sets;
    enum my_expect found = sets->counted ? MY_EXPECT_AFFECTED : MY_EXPECT_ANYTHING;
    char *sql = NULL;
    switch (sets->kind) {
    case MY_SET_DELETE:
        stage_keys(s);
        sql = mem_printf("DELETE %s FROM %s", s->apply->ghost, sets->join_keys);
        staged_statement(s, sql, sets->where_keys, "", found, "DELETE");
        break;
    case MY_SET_PARK:
        stage_keys(s);
        sql = mem_printf("UPDATE %s SET %s", sets->join_keys, sets->park);
        staged_statement(s, sql, sets->where_keys, "", MY_EXPECT_ANYTHING, "UPDATE");
        break;
    case MY_SET_UPDATE:
        stage_rows(s);
        sql = mem_printf("SELECT COUNT(*) FROM %s", sets->join_stage);
        staged_statement(s, sql, sets->where_stage, "", MY_EXPECT_COUNT, "UPDATE");
        staged_statement(s, sets->insert_staged, sets->where_stage, sets->on_staged_duplicate, MY_EXPECT_ANYTHING,
                         "UPDATE");
        break;
    case MY_SET_UPSERT:
        stage_rows(s);
        staged_statement(s, sets->insert_staged, sets->where_stage, sets->on_staged_duplicate, MY_EXPECT_ANYTHING,
                         "INSERT");
        break;
    case MY_SET_INSERT:
        stage_rows(s);
        staged_statement(s, sets->insert_staged, sets->where_stage, "", MY_EXPECT_AFFECTED, "INSERT");
        break;
    case MY_SET_NONE:
        break;
    }
    mem_free(sql);
}

/* Ends the statement that rows are being added to. */
static enum sc_result close_set(struct session *s, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    enum sc_result result = SC_OK;
    if (sets->rows > 0) {
        result = reserve(s, sets->keys_list.len + sets->values_list.len, err);
        if (result == SC_OK && sets->staged)
            close_staged(s);
        else if (result == SC_OK)
            close_direct(s);
    }
    sets->kind = MY_SET_NONE;
    sets->rows = 0;
    shrink(&sets->keys_list, sets->most);
    shrink(&sets->values_list, sets->most);
    return result;
}

/* --- rows
 * ----------------------------------------------------------------------------------------------------------------- */

/* In a list of rows to be inserted it has brackets also when it is one column; staged keys are assigned, not compared.
 */
static enum sc_result add_key(struct session *s, struct buf *b, const struct value *key, bool compared,
                              struct sc_error *err)
{
    const struct target *t = s->target;
    bool tuple = t->key.count > 1 || !compared;
    buf_str(b, tuple ? "(" : "");
    if (!compared)
        buf_printf(b, "%" PRIu64 ",", s->apply->sets->next_row);
    enum sc_result result = SC_OK;
    for (int k = 0; k < t->key.count && result == SC_OK; k++) {
        buf_str(b, k ? "," : "");
        result = compared ? my_add_key_value(b, &s->apply->sets->keys[k], &key[k], err)
                          : my_add_value(b, &s->apply->literals[t->key.columns[k]], &key[k], err);
    }
    buf_str(b, tuple ? ")" : "");
    return result;
}

static enum sc_result add_value(struct session *s, struct buf *b, const struct my_mapped *m, const struct value *row,
                                struct sc_error *err)
{
    const struct my_literal *literal = &s->apply->literals[m->source_column];
    const struct value *value = &row[m->source_column];
    enum sc_result result = s->apply->sets->large && my_large_is(literal, value) ? my_large_add(s, b, value, err)
                                                                                 : my_add_value(b, literal, value, err);
    if (result != SC_OK)
        error_wrap(err, "column %s", s->target->source.columns[m->source_column].name);
    return result;
}

static enum sc_result add_values(struct session *s, struct buf *b, const struct value *row, struct sc_error *err)
{
    const struct target *t = s->target;
    buf_char(b, '(');
    if (s->apply->sets->staged)
        buf_printf(b, "%" PRIu64 ",", s->apply->sets->next_row);
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->map.ncolumns && result == SC_OK; i++) {
        if (i)
            buf_char(b, ',');
        result = add_value(s, b, &t->map.columns[i], row, err);
    }
    buf_char(b, ')');
    return result;
}

static bool wants_key(const struct my_sets *sets, enum my_set_kind kind)
{
    return kind == MY_SET_DELETE || kind == MY_SET_PARK || (kind == MY_SET_UPDATE && !sets->staged);
}

static uint64_t rows_most(const struct my_sets *sets, enum my_set_kind kind, bool keyed)
{
    if (sets->one_upsert && (kind == MY_SET_UPSERT || kind == MY_SET_UPDATE))
        return 1;
    return keyed ? LIST_KEYS : STATEMENT_ROWS;
}

static enum sc_result add_row(struct session *s, enum my_set_kind kind, const struct value *key,
                              const struct value *row, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    bool keyed = wants_key(sets, kind);
    enum sc_result result = SC_OK;
    if (kind != sets->kind || sets->rows >= rows_most(sets, kind, keyed) ||
        sets->keys_list.len + sets->values_list.len >= sets->most)
        result = close_set(s, err);
    sets->kind = kind;
    const char *glue = sets->rows > 0 ? "," : "";
    if (result == SC_OK && keyed) {
        buf_str(&sets->keys_list, glue);
        result = add_key(s, &sets->keys_list, key, !sets->staged, err);
    }
    if (result == SC_OK && kind != MY_SET_DELETE && kind != MY_SET_PARK) {
        buf_str(&sets->values_list, glue);
        result = add_values(s, &sets->values_list, row, err);
    }
    sets->rows++;
    sets->next_row++;
    return result;
}

/* What is too large for one statement goes ahead of it, so the row stands alone. */
static enum sc_result begin_large(struct session *s, const struct value *row, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    if (!row || !my_large_row(s, row))
        return SC_OK;
    enum sc_result result = close_set(s, err);
    if (result == SC_OK)
        result = run_script(s, err);
    sets->large = result == SC_OK;
    return result;
}

static enum sc_result end_large(struct session *s, enum sc_result result, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    if (!sets->large)
        return result;
    if (result == SC_OK)
        result = close_set(s, err);
    if (result == SC_OK)
        result = run_script(s, err);
    sets->large = false;
    return result == SC_OK ? my_large_end(s, err) : result;
}

enum sc_result my_set_row(struct session *s, enum my_set_kind kind, const struct value *key, const struct value *row,
                          struct sc_error *err)
{
    bool whole = kind != MY_SET_DELETE && kind != MY_SET_PARK;
    enum sc_result result = begin_large(s, whole ? row : NULL, err);
    if (result == SC_OK)
        result = add_row(s, kind, key, row, err);
    return end_large(s, result, err);
}

static enum sc_result change_direct(struct session *s, const struct value *old, const struct value *row,
                                    struct sc_error *err)
{
    const struct target *t = s->target;
    struct my_sets *sets = s->apply->sets;
    struct buf *b = &sets->values_list;
    enum sc_result result = SC_OK;
    buf_printf(b, "UPDATE %s SET ", s->apply->ghost);
    for (int i = 0; i < t->map.ncolumns && result == SC_OK; i++) {
        const struct my_mapped *m = &t->map.columns[i];
        buf_str(b, i ? "," : "");
        my_add_ident(b, m->ghost_column);
        buf_char(b, '=');
        result = add_value(s, b, m, row, err);
    }
    buf_printf(b, " WHERE %s = ", sets->key_tuple);
    if (result == SC_OK)
        result = add_key(s, b, old, true, err);
    if (result == SC_OK)
        result = reserve(s, b->len, err);
    if (result == SC_OK) {
        with_list(s, "", b, "");
        end_statement(s, MY_EXPECT_AFFECTED, 1, "UPDATE");
    }
    shrink(b, sets->most);
    return result;
}

static enum sc_result change_staged(struct session *s, const struct value *old, const struct value *row,
                                    struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    enum sc_result result = add_key(s, &sets->keys_list, old, false, err);
    if (result == SC_OK)
        result = add_values(s, &sets->values_list, row, err);
    if (result == SC_OK)
        result = reserve(s, sets->keys_list.len + sets->values_list.len, err);
    if (result == SC_OK) {
        sets->rows = 1;
        sets->next_row++;
        stage_keys(s);
        stage_rows(s);
        struct buf sql = {0};
        /* The ON of join_keys stands at its end, so what follows joins the one staged row with the one that is found.
         */
        buf_printf(&sql, "UPDATE %s STRAIGHT_JOIN ", sets->join_keys);
        my_add_qualified(&sql, s->target->schema, s->target->stage_name);
        buf_printf(&sql, " SET %s%s = %" PRIu64, sets->set_staged, sets->where_stage, sets->next_row - 1);
        buf_printf(&sql, " AND %s", sets->where_keys + strlen(" WHERE "));
        staged_statement(s, buf_cstr(&sql), "", "", MY_EXPECT_AFFECTED, "UPDATE");
        buf_fini(&sql);
    }
    sets->rows = 0;
    buf_clear(&sets->keys_list);
    buf_clear(&sets->values_list);
    return result;
}

enum sc_result my_set_change(struct session *s, const struct value *old, const struct value *row, struct sc_error *err)
{
    enum sc_result result = close_set(s, err);
    if (result == SC_OK)
        result = begin_large(s, row, err);
    if (result == SC_OK)
        result = s->apply->sets->staged ? change_staged(s, old, row, err) : change_direct(s, old, row, err);
    return end_large(s, result, err);
}

enum sc_result my_set_truncate(struct session *s, struct sc_error *err)
{
    enum sc_result result = close_set(s, err);
    if (result == SC_OK)
        result = run_script(s, err);
    char *sql = on_ghost(s, "DELETE FROM ", "");
    if (result == SC_OK)
        add_statement(s, sql, MY_EXPECT_ANYTHING, 0, "TRUNCATE");
    mem_free(sql);
    return result;
}

enum sc_result my_sets_tidy(struct session *s, struct sc_error *err)
{
    struct my_sets *sets = s->apply->sets;
    if (!sets->staged || sets->next_row < STAGE_ROWS_MOST)
        return SC_OK;
    enum sc_result result = my_run(s->conn, err, sets->empty_stage);
    if (result == SC_OK)
        result = my_run(s->conn, err, sets->empty_keys);
    if (result == SC_OK)
        sets->next_row = 1;
    return result;
}

void my_sets_begin(struct session *s, bool strict)
{
    struct my_sets *sets = s->apply->sets;
    sets->counted = strict;
    sets->warned = false;
    sets->large = false;
    sets->kind = MY_SET_NONE;
    sets->rows = 0;
    sets->script.count = 0;
    buf_clear(&sets->keys_list);
    buf_clear(&sets->values_list);
    buf_clear(&sets->script.sql);
}

enum sc_result my_sets_end(struct session *s, struct sc_error *err)
{
    enum sc_result result = close_set(s, err);
    return result == SC_OK ? run_script(s, err) : result;
}

bool my_sets_warned(const struct session *s)
{
    return s->apply->sets->warned;
}
