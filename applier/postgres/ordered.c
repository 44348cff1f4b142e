/* Changes applied one by one, in the order of the log: for keys whose equality is not that of their text, for a change
 * that cannot be folded, and where a set met a unique constraint in an order the source never had.
 *
 * Statements are prepared once for each kind and set of known columns, and sent as a pipeline, so that a change costs
 * no round trip. In strict mode every result must say that one row was found. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/apply.h"
#include "applier/postgres/mapping.h"
#include "base/plant.h"

/* So many statements are sent before their results are read: bounds what both sides buffer. */
#define PIPELINE_DEPTH 256
/* Distinct sets of known columns a session remembers statements for; beyond it they are all forgotten. */
#define STATEMENTS_MOST 128

struct ordered_statement {
    char *signature; /* the kind, mode, and a character a column */
    char name[32];
};

static bool moves_key(const struct target *t, const struct change *c)
{
    if (c->kind != CHANGE_UPDATE || !c->old_row)
        return false;
    for (int k = 0; k < t->key.count; k++) {
        const struct value *was = &c->old_row[t->logged_key[k]], *is = &c->new_row[t->logged_key[k]];
        if (is->state != VALUE_PRESENT || was->state != VALUE_PRESENT)
            continue;
        if (was->len != is->len || memcmp(was->data, is->data, is->len) != 0)
            return true;
    }
    return false;
}

static bool column_unknown(const void *arg, int logged)
{
    const struct value *row = arg;
    return row[logged].state == VALUE_UNCHANGED || row[logged].state == VALUE_ABSENT;
}

/* (SELECT $n::type AS "c1", NULL::type AS "c2", ...) AS name: one row that looks like the source. Parameters are the
 * key's columns only, or all known ones. */
static void add_row_source(struct buf *sql, const struct session *s, const struct value *row, bool key_only,
                           int *parameter)
{
    const struct target *t = s->target;
    buf_str(sql, "(SELECT ");
    for (int i = 0; i < t->nlogged; i++) {
        bool wanted = !key_only;
        for (int k = 0; k < t->key.count; k++)
            wanted |= t->logged_key[k] == i;
        buf_str(sql, i ? ", " : "");
        if (wanted && !column_unknown(row, i))
            buf_printf(sql, "$%d::%s AS ", (*parameter)++, s->apply->stage_types[i]);
        else
            buf_printf(sql, "NULL::%s AS ", s->apply->stage_types[i]);
        pg_add_ident(sql, t->source.columns[t->logged[i]].name);
    }
    buf_str(sql, ") AS ");
    pg_add_ident(sql, t->source.name);
}

static void add_keys_of(struct buf *sql, const struct session *s, const struct value *row, const char *alias,
                        int *parameter)
{
    buf_str(sql, "(SELECT ");
    for (int k = 0; k < s->target->map.nkey; k++) {
        buf_str(sql, k ? ", " : "");
        pg_add_key_expression(sql, s->target, k);
        buf_printf(sql, " AS \"seachange k%d\"", k);
    }
    buf_str(sql, " FROM ");
    add_row_source(sql, s, row, true, parameter);
    buf_printf(sql, ") AS %s", alias);
}

static void add_old_match(struct buf *sql, const struct target *t)
{
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(sql, k ? " AND \"seachange ghost\"." : "\"seachange ghost\".");
        pg_add_ident(sql, t->map.columns[t->map.key[k]].ghost_column);
        buf_printf(sql, " = \"seachange old\".\"seachange k%d\"", k);
    }
}

static void insert_sql(struct buf *sql, const struct session *s, const struct change *c, bool strict)
{
    int parameter = 1;
    pg_add_insert(sql, s->target);
    add_row_source(sql, s, c->new_row, false, &parameter);
    if (!strict)
        pg_add_upsert(sql, s->target);
}

static void delete_sql(struct buf *sql, const struct session *s, const struct value *key_row)
{
    int parameter = 1;
    buf_str(sql, "DELETE FROM ");
    pg_add_ghost(sql, s->target);
    buf_str(sql, " AS \"seachange ghost\" USING ");
    add_keys_of(sql, s, key_row, "\"seachange old\"", &parameter);
    buf_str(sql, " WHERE ");
    add_old_match(sql, s->target);
}

/* DELETE of the old key, unless the server takes both keys for equal: then the row at the old key is the one that was
 * just set. */
static void delete_old_sql(struct buf *sql, const struct session *s, const struct change *c)
{
    const struct target *t = s->target;
    int parameter = 1;
    buf_str(sql, "DELETE FROM ");
    pg_add_ghost(sql, t);
    buf_str(sql, " AS \"seachange ghost\" USING ");
    add_keys_of(sql, s, c->old_row, "\"seachange old\"", &parameter);
    buf_str(sql, ", ");
    add_keys_of(sql, s, c->new_row, "\"seachange new\"", &parameter);
    buf_str(sql, " WHERE ");
    add_old_match(sql, t);
    buf_str(sql, " AND (");
    for (int k = 0; k < t->map.nkey; k++)
        buf_printf(sql, "%s\"seachange old\".\"seachange k%d\" <> \"seachange new\".\"seachange k%d\"", k ? " OR " : "",
                   k, k);
    buf_str(sql, ")");
}

/* UPDATE ghost SET known columns (and the key's, when it moves) WHERE key = that of key_row. False: there is nothing to
 * set. */
static bool update_sql(struct buf *sql, const struct session *s, const struct value *key_row,
                       const struct value *new_row, bool set_key)
{
    const struct target *t = s->target;
    int parameter = 1;
    struct buf sets = {0}, values = {0};
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct pg_mapped *m = &t->map.columns[i];
        if (m->ninputs == 0 || (pg_mapped_is_key(t, i) && !set_key) ||
            pg_mapped_state(s, m, column_unknown, new_row) != MAPPED_KNOWN)
            continue;
        buf_str(&sets, sets.len ? ", " : "");
        pg_add_ident(&sets, m->ghost_column);
        buf_printf(&sets, " = \"seachange new\".\"seachange m%d\"", i);
        buf_printf(&values, "%s%s AS \"seachange m%d\"", values.len ? ", " : "", m->expression, i);
    }
    bool something = sets.len > 0;
    if (something) {
        buf_str(sql, "UPDATE ");
        pg_add_ghost(sql, t);
        buf_printf(sql, " AS \"seachange ghost\" SET %s FROM ", buf_cstr(&sets));
        add_keys_of(sql, s, key_row, "\"seachange old\"", &parameter);
        buf_printf(sql, ", (SELECT %s FROM ", buf_cstr(&values));
        add_row_source(sql, s, new_row, false, &parameter);
        buf_str(sql, ") AS \"seachange new\" WHERE ");
        add_old_match(sql, t);
    }
    buf_fini(&sets);
    buf_fini(&values);
    return something;
}

/* --- parameters
 * ---------------------------------------------------------------------------------------------------------- */

struct parameters {
    const char **values;
    int count;
};

static void add_parameters(struct parameters *p, const struct target *t, const struct value *row, bool key_only)
{
    for (int i = 0; i < t->nlogged; i++) {
        bool wanted = !key_only;
        for (int k = 0; k < t->key.count; k++)
            wanted |= t->logged_key[k] == i;
        if (wanted && !column_unknown(row, i))
            p->values[p->count++] = row[i].state == VALUE_PRESENT ? row[i].data : NULL;
    }
}

/* Where the key of the row to find is, as a whole row: DELETE and moves have it in the old image. */
static const struct value *key_row(const struct change *c)
{
    return c->old_row ? c->old_row : c->new_row;
}

/* --- the pipeline
 * -------------------------------------------------------------------------------------------------------- */

/* Kinds: 'I' insert or upsert of the new row, 'U' update, 'D' delete, 'M' move of the ghost's row, 'O' delete of a
 * moved row's old key, 'P' preparing a statement. */
struct pipeline {
    struct session *s;
    bool strict;
    int waiting; /* results not read yet */
    char kinds[PIPELINE_DEPTH];
    struct parameters parameters;
    struct value key[MAX_KEY_COLUMNS]; /* scratch */
    struct arena arena;                /* of the change at hand */
};

/* One result of each statement and a NULL behind it (manual, libpq, pipeline mode). */
static enum sc_result read_one(struct pipeline *p, char kind, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    PGresult *res = PQgetResult(p->s->conn->pg);
    if (!res)
        return pg_failed(p->s->conn, NULL, err);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        result = status == PGRES_PIPELINE_ABORTED ? SC_FAIL : pg_failed(p->s->conn, res, err);
    } else if ((p->strict && kind != 'P') || kind == 'M') {
        uint64_t found = strtoull(PQcmdTuples(res), NULL, 10);
        if (found != 1 && !PLANTED(B5_COUNTS_NOT_CHECKED))
            result = pg_count_differs(p->s, kind == 'I' ? "INSERT" : kind == 'D' ? "DELETE" : "UPDATE", 1, found, err);
    }
    PQclear(res);
    while ((res = PQgetResult(p->s->conn->pg)))
        PQclear(res);
    return result;
}

/* Reads everything up to the sync. The first failure is the one that counts. */
static enum sc_result read_results(struct pipeline *p, struct sc_error *err)
{
    PGconn *pg = p->s->conn->pg;
    if (p->waiting == 0)
        return SC_OK;
    if (PQpipelineSync(pg) != 1)
        return pg_failed(p->s->conn, NULL, err);
    enum sc_result result = SC_OK;
    for (int i = 0; i < p->waiting; i++) {
        struct sc_error this_err;
        error_init(&this_err);
        enum sc_result this_result = read_one(p, p->kinds[i], &this_err);
        if (result == SC_OK && this_result != SC_OK) {
            result = this_result;
            *err = this_err;
        }
        if (!pg_alive(p->s->conn))
            return result == SC_OK ? pg_failed(p->s->conn, NULL, err) : result;
    }
    p->waiting = 0;
    PGresult *sync = PQgetResult(pg);
    if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC && result == SC_OK)
        result = pg_failed(p->s->conn, sync, err);
    PQclear(sync);
    return result;
}

static struct ordered_statement *find_statement(struct apply_plan *plan, const char *signature)
{
    for (int i = 0; i < plan->nstatements; i++)
        if (strcmp(plan->statements[i].signature, signature) == 0)
            return &plan->statements[i];
    return NULL;
}

/* The kind, and for each column whether it is known. */
static void add_signature(struct buf *b, const struct target *t, const struct change *c, char kind, bool strict)
{
    buf_char(b, kind);
    buf_char(b, strict ? 's' : 'l');
    for (int i = 0; c->new_row && i < t->nlogged; i++)
        buf_char(b, column_unknown(c->new_row, i) ? '-' : '+');
}

static enum sc_result prepare(struct pipeline *p, const struct change *c, char kind, struct ordered_statement **out,
                              struct sc_error *err)
{
    struct apply_plan *plan = p->s->apply;
    struct buf signature = {0}, sql = {0};
    add_signature(&signature, p->s->target, c, kind, p->strict);
    *out = find_statement(plan, buf_cstr(&signature));
    enum sc_result result = SC_OK;
    if (!*out) {
        if (plan->nstatements == STATEMENTS_MOST) {
            result = read_results(p, err);
            plan->nstatements = 0; /* names go on counting; the server's copies go with the session */
        }
        if (!plan->statements)
            plan->statements = arena_array(&plan->arena, STATEMENTS_MOST, sizeof(*plan->statements));
        if (kind == 'I')
            insert_sql(&sql, p->s, c, p->strict);
        else if (kind == 'D')
            delete_sql(&sql, p->s, key_row(c));
        else if (kind == 'O')
            delete_old_sql(&sql, p->s, c);
        else if (!update_sql(&sql, p->s, key_row(c), c->new_row, kind == 'M'))
            buf_clear(&sql);
        struct ordered_statement *made = &plan->statements[plan->nstatements];
        made->signature = arena_strdup(&plan->arena, buf_cstr(&signature));
        made->name[0] = 0;
        if (sql.len > 0 && result == SC_OK) {
            snprintf(made->name, sizeof(made->name), "seachange_%u", ++plan->statement_names);
            if (PQsendPrepare(p->s->conn->pg, made->name, buf_cstr(&sql), 0, NULL) != 1)
                result = pg_failed(p->s->conn, NULL, err);
            else
                p->kinds[p->waiting++] = 'P';
        }
        if (result == SC_OK) {
            plan->nstatements++;
            *out = made;
        }
    }
    buf_fini(&signature);
    buf_fini(&sql);
    return result;
}

static enum sc_result send_change(struct pipeline *p, const struct change *c, char kind, struct sc_error *err)
{
    struct ordered_statement *statement = NULL;
    enum sc_result result = p->waiting + 2 > PIPELINE_DEPTH ? read_results(p, err) : SC_OK;
    if (result == SC_OK)
        result = prepare(p, c, kind, &statement, err);
    if (result != SC_OK || !statement->name[0])
        return result;
    const struct target *t = p->s->target;
    p->parameters.count = 0;
    if (kind != 'I')
        add_parameters(&p->parameters, t, key_row(c), true);
    if (kind != 'D')
        add_parameters(&p->parameters, t, c->new_row, kind == 'O');
    if (PQsendQueryPrepared(p->s->conn->pg, statement->name, p->parameters.count, p->parameters.values, NULL, NULL,
                            0) != 1)
        return pg_failed(p->s->conn, NULL, err);
    p->kinds[p->waiting++] = kind;
    return SC_OK;
}

/* --- what a pipeline cannot do
 * ------------------------------------------------------------------------------------------- */

static enum sc_result run_now(struct pipeline *p, struct buf *sql, const struct parameters *params, uint64_t *found,
                              struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(p->s->conn, err, &res, buf_cstr(sql), params->count, params->values);
    if (result == SC_OK && found)
        *found = strtoull(PQcmdTuples(res), NULL, 10);
    PQclear(res);
    buf_fini(sql);
    return result;
}

static bool row_complete(const struct target *t, const struct value *row)
{
    for (int i = 0; i < t->nlogged; i++)
        if (column_unknown(row, i))
            return false;
    return true;
}

/* Reads the row at the new key from the source. */
static enum sc_result repair_new_key(struct pipeline *p, const struct batch *batch, const struct change *c, bool insert,
                                     struct sc_error *err)
{
    const struct target *t = p->s->target;
    struct buf rows = {0};
    int parameter = 1;
    buf_str(&rows, "SELECT ");
    pg_add_key(&rows, t, NULL);
    buf_str(&rows, " FROM ");
    add_row_source(&rows, p->s, c->new_row, true, &parameter);
    p->parameters.count = 0;
    add_parameters(&p->parameters, t, c->new_row, true);
    struct unknown unknown = {column_unknown, c->new_row};
    enum sc_result result = pg_repair(p->s, batch, buf_cstr(&rows), p->parameters.count, p->parameters.values,
                                      insert ? NULL : &unknown, err);
    buf_fini(&rows);
    if (!p->strict) {
        for (int k = 0; k < t->key.count; k++) {
            int i = t->logged_key[k];
            p->key[k] = column_unknown(c->new_row, i) && c->old_row ? c->old_row[i] : c->new_row[i];
        }
        pg_ahead_add(p->s, p->key);
    }
    return result;
}

static enum sc_result delete_old_key(struct pipeline *p, const struct change *c, struct sc_error *err)
{
    struct buf sql = {0};
    delete_old_sql(&sql, p->s, c);
    p->parameters.count = 0;
    add_parameters(&p->parameters, p->s->target, c->old_row, true);
    add_parameters(&p->parameters, p->s->target, c->new_row, true);
    return run_now(p, &sql, &p->parameters, NULL, err);
}

/* A key that moves while rows come from chunks of different age: the new key may be there already (its chunk saw the
 * move), the old one may not be there (not copied yet, or its chunk saw the move), or may be another, later row. See
 * the table in docs/internals/ordering.md. */
static enum sc_result move_fresh(struct pipeline *p, const struct batch *batch, const struct change *c,
                                 struct sc_error *err)
{
    const struct target *t = p->s->target;
    struct buf sql = {0};
    uint64_t found = 0;
    update_sql(&sql, p->s, c->new_row, c->new_row, true);
    p->parameters.count = 0;
    add_parameters(&p->parameters, t, c->new_row, true);
    add_parameters(&p->parameters, t, c->new_row, false);
    enum sc_result result = run_now(p, &sql, &p->parameters, &found, err);
    if (result == SC_OK && found == 0)
        result = repair_new_key(p, batch, c, true, err);
    if (result == SC_OK)
        result = delete_old_key(p, c, err);
    return result;
}

static bool needs_repair(const struct pipeline *p, const struct change *c)
{
    const struct target *t = p->s->target;
    if (c->kind != CHANGE_UPDATE)
        return false;
    for (int i = 0; i < t->map.ncolumns; i++)
        if (pg_mapped_state(p->s, &t->map.columns[i], column_unknown, c->new_row) == MAPPED_PARTLY)
            return true;
    return false;
}

static enum sc_result leave_pipeline(struct pipeline *p, struct sc_error *err)
{
    enum sc_result result = read_results(p, err);
    if (PQpipelineStatus(p->s->conn->pg) != PQ_PIPELINE_OFF && PQexitPipelineMode(p->s->conn->pg) != 1 &&
        result == SC_OK)
        result = pg_failed(p->s->conn, NULL, err);
    return result;
}

/* May the ghost's own row move? */
static bool keeps_row(struct pipeline *p, const struct batch *batch, const struct change *c)
{
    const struct target *t = p->s->target;
    for (int k = 0; k < t->key.count; k++)
        p->key[k] = c->old_row[t->logged_key[k]];
    return pg_row_exact(p->s, batch, p->key);
}

static enum sc_result apply_one(struct pipeline *p, const struct batch *batch, const struct change *c,
                                struct sc_error *err)
{
    bool moves = moves_key(p->s->target, c);
    char kind = c->kind == CHANGE_INSERT ? 'I' : c->kind == CHANGE_DELETE ? 'D' : moves ? 'M' : 'U';
    bool fresh = moves && !keeps_row(p, batch, c), repair = needs_repair(p, c);
    enum sc_result result = SC_OK;
    if (fresh && row_complete(p->s->target, c->new_row)) {
        result = send_change(p, c, 'I', err);
        return result == SC_OK ? send_change(p, c, 'O', err) : result;
    }
    if (!fresh)
        result = send_change(p, c, kind, err);
    if (result != SC_OK || (!fresh && !repair))
        return result;
    result = leave_pipeline(p, err);
    if (result == SC_OK && fresh)
        result = move_fresh(p, batch, c, err);
    if (result == SC_OK && repair)
        result = repair_new_key(p, batch, c, false, err);
    if (result == SC_OK && PQenterPipelineMode(p->s->conn->pg) != 1)
        result = pg_failed(p->s->conn, NULL, err);
    return result;
}

/* Constraints that are still to be checked would forbid it. */
static enum sc_result truncate(struct pipeline *p, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE ONLY ");
    pg_add_ghost(&sql, p->s->target);
    buf_str(&sql, "; SET CONSTRAINTS ALL DEFERRED");
    enum sc_result result = leave_pipeline(p, err);
    if (result == SC_OK)
        result = pg_run(p->s->conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    if (result == SC_OK && PQenterPipelineMode(p->s->conn->pg) != 1)
        result = pg_failed(p->s->conn, NULL, err);
    return result;
}

static enum sc_result apply_encoded(struct pipeline *p, const struct batch *batch, const struct batch_change *encoded,
                                    struct sc_error *err)
{
    struct change change;
    arena_reset(&p->arena);
    enum sc_result result = change_decode(&p->arena, encoded->data, encoded->len, &change, err);
    if (result != SC_OK)
        return result;
    return change.kind == CHANGE_TRUNCATE ? truncate(p, err) : apply_one(p, batch, &change, err);
}

enum sc_result pg_ordered_apply(struct session *s, const struct batch *batch, struct sc_error *err)
{
    struct pipeline p = {.s = s, .strict = batch->strict};
    p.parameters.values = mem_array((size_t)s->target->nlogged * 3 + 1, sizeof(*p.parameters.values));
    enum sc_result result = SC_OK;
    if (PQenterPipelineMode(s->conn->pg) != 1)
        result = pg_failed(s->conn, NULL, err);
    for (size_t i = 0; i < batch->count && result == SC_OK; i++)
        result = apply_encoded(&p, batch, &batch->changes[i], err);
    struct sc_error left_err;
    error_init(&left_err);
    enum sc_result left = pg_alive(s->conn) ? leave_pipeline(&p, &left_err) : SC_OK;
    /* A statement that failed shows when its result is read; sending it had looked fine. */
    if (result == SC_OK && left != SC_OK) {
        result = left;
        *err = left_err;
    }
    mem_free(p.parameters.values);
    arena_fini(&p.arena);
    return result;
}
