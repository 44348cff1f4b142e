/* Making the ghost, in one transaction: clone the source, run the operator's ALTER on the clone, see what came of it,
 * and take off what comes later. What the server made of the ALTER is read from the catalog: a column that kept its
 * number is the old one, whatever its name and type are now; only the USING expressions have to be known from the text.
 */
#include "applier/postgres/ghost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/alter.h"
#include "applier/postgres/mapping.h"

/* A column of the altered clone. */
struct ghost_column {
    int attnum;
    const char *name;
    bool generated;
    Oid type;
    int modifier;
};

static enum sc_result refuse(struct plan *plan, struct sc_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Into the plan when there is one: then the rest is looked at too. */
static enum sc_result refuse(struct plan *plan, struct sc_error *err, const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&b, format, args);
    va_end(args);
    enum sc_result result = SC_OK;
    if (plan)
        strlist_add(&plan->refusals, buf_cstr(&b));
    else
        result = error_set(err, SC_REFUSE, "%s", buf_cstr(&b));
    buf_fini(&b);
    return result;
}

/* The operator's names resolve as in the operator's session; the bare name of the table means the clone, where it would
 * have meant the source. */
static enum sc_result set_operator_path(struct target *t, bool clone_first, struct sc_error *err)
{
    struct buf path = {0};
    if (clone_first) {
        pg_add_ident(&path, t->ghost_schema);
        if (t->server.search_path[0])
            buf_str(&path, ", ");
    }
    buf_str(&path, t->server.search_path);
    char *was = NULL;
    enum sc_result result = pg_value(t->control, err, &was, "SELECT pg_catalog.set_config('search_path', $1, true)", 1,
                                     (const char *[]){buf_cstr(&path)});
    mem_free(was);
    buf_fini(&path);
    return result;
}

static enum sc_result bare_name_is_source(struct target *t, bool *is, struct sc_error *err)
{
    char *ident = pg_ident(t->source.name), *oid = NULL;
    enum sc_result result = set_operator_path(t, false, err);
    if (result == SC_OK)
        result = pg_value(t->control, err, &oid, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", 1,
                          (const char *[]){ident});
    *is = oid && (Oid)strtoul(oid, NULL, 10) == t->source.oid;
    mem_free(oid);
    mem_free(ident);
    return result;
}

static enum sc_result find_clone(struct target *t, struct sc_error *err)
{
    char *name = pg_qualified(t->ghost_schema, t->source.name), *oid = NULL;
    enum sc_result result =
        pg_value(t->control, err, &oid, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", 1, (const char *[]){name});
    if (result == SC_OK && !oid)
        result = error_set(err, SC_FAIL, "the clone %s is not there", name);
    t->ghost_oid = oid ? (Oid)strtoul(oid, NULL, 10) : 0;
    mem_free(oid);
    mem_free(name);
    return result;
}

/* --- USING
 * --------------------------------------------------------------------------------------------------------------- */

struct using
{
    int column; /* of the source */
    char *expression;
    bool *inputs; /* of source.ncolumns */
};

/* The operator's expression, with every name in it resolved now and written so that it resolves the same in any
 * session, and which columns it reads, as the server sees it: a policy on the clone is the one place where any
 * expression may stand for a moment. */
static enum sc_result resolve_using(struct target *t, const struct alter_using *u, bool clone_first, struct using *out,
                                    struct sc_error *err)
{
    char *table = pg_qualified(t->ghost_schema, t->source.name);
    PGresult *res = NULL;
    enum sc_result result = set_operator_path(t, clone_first, err);
    if (result == SC_OK)
        result = pg_runf(t->control, err, "CREATE POLICY \"seachange using\" ON %s USING ((%s\n) IS NULL)", table,
                         u->expression);
    if (result == SC_FAIL) {
        result = err->result = SC_REFUSE;
        error_wrap(err, "the server refuses the USING expression of column %s", u->column);
    }
    if (result == SC_OK)
        result = pg_set_path(t->control, "", NULL, err);
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
    if (result == SC_OK)
        result = pg_query(
            t->control, err, &res,
            "SELECT pg_catalog.pg_get_expr(polqual, polrelid), d.refobjsubid, d.deptype FROM pg_catalog.pg_policy p"
            " LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid "
            "= p.oid"
            " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = p.polrelid"
            " WHERE polrelid = $1::pg_catalog.oid AND polname = 'seachange using'",
            1, (const char *[]){oid});
    if (result == SC_OK) {
        /* ((expression) IS NULL), as ruleutils writes a null test */
        const char *text = PQgetvalue(res, 0, 0), *tail = " IS NULL)";
        size_t len = strlen(text), tail_len = strlen(tail);
        if (len < tail_len + 1 || text[0] != '(' || strcmp(text + len - tail_len, tail) != 0)
            result = error_set(err, SC_FAIL, "the server writes the USING expression of column %s in an unknown form",
                               u->column);
        else
            out->expression = mem_strndup(text + 1, len - tail_len - 1);
        out->inputs = mem_array((size_t)t->source.ncolumns, sizeof(bool));
        bool any = false;
        for (int i = 0; i < PQntuples(res) && result == SC_OK; i++) {
            int attnum = (int)strtol(PQgetvalue(res, i, 1), NULL, 10);
            if (attnum > 0 && attnum <= t->source.ncolumns)
                any = out->inputs[attnum - 1] = true;
            else if (attnum == 0 && PQgetvalue(res, i, 2)[0] == 'n') /* the row as a whole */
                for (int c = 0; c < t->source.ncolumns; c++)
                    any = out->inputs[c] = true;
        }
        if (result == SC_OK && !any) {
            /* A constant: as written, so that it takes the column's type as it does in ALTER. */
            mem_free(out->expression);
            out->expression = mem_printf("(%s\n)", u->expression);
        }
    }
    PQclear(res);
    if (result == SC_OK)
        result = pg_runf(t->control, err, "DROP POLICY \"seachange using\" ON %s", table);
    mem_free(table);
    return result;
}

static enum sc_result resolve_usings(struct target *t, const struct alter *alter, bool clone_first, struct using **out,
                                     struct plan *plan, struct sc_error *err)
{
    *out = mem_array((size_t)alter->nusing + 1, sizeof(**out));
    enum sc_result result = SC_OK;
    for (int i = 0; i < alter->nusing && result == SC_OK; i++) {
        struct using *u = &(*out)[i];
        u->column = pg_table_column(&t->source, alter->using[i].column);
        if (u->column < 0)
            return SC_OK; /* the server's own refusal of the ALTER says it better */
        result = resolve_using(t, &alter->using[i], clone_first, u, err);
        for (int c = 0; result == SC_OK && c < t->source.ncolumns; c++)
            if (u->inputs[c] && t->source.columns[c].generated)
                result = refuse(plan, err,
                                "the USING expression of column %s reads the generated column %s, which the log does "
                                "not send. Write the generation "
                                "expression in its place.",
                                alter->using[i].column, t->source.columns[c].name);
    }
    return result;
}

/* --- the map
 * ------------------------------------------------------------------------------------------------------------- */

static enum sc_result ghost_columns(struct target *t, struct ghost_column **out, int *count, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(t->control, err, &res,
                 "SELECT attnum, attname, attgenerated <> '', atttypid, atttypmod FROM pg_catalog.pg_attribute"
                 " WHERE attrelid = $1::pg_catalog.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                 1, (const char *[]){oid});
    if (result != SC_OK)
        return result;
    *count = PQntuples(res);
    *out = arena_array(&t->arena, (size_t)*count + 1, sizeof(**out));
    for (int i = 0; i < *count; i++)
        (*out)[i] = (struct ghost_column){.attnum = (int)strtol(PQgetvalue(res, i, 0), NULL, 10),
                                          .name = arena_strdup(&t->arena, PQgetvalue(res, i, 1)),
                                          .generated = PQgetvalue(res, i, 2)[0] == 't',
                                          .type = (Oid)strtoul(PQgetvalue(res, i, 3), NULL, 10),
                                          .modifier = (int)strtol(PQgetvalue(res, i, 4), NULL, 10)};
    PQclear(res);
    return SC_OK;
}

/* The columns that a generation expression of the source reads: what pg_depend says of its pg_attrdef entry. */
static enum sc_result generated_inputs(struct target *t, const struct pg_column *column, bool *inputs,
                                       struct sc_error *err)
{
    char oid[16], attnum[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    snprintf(attnum, sizeof(attnum), "%d", column->attnum);
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        t->control, err, &res,
        "SELECT d.refobjsubid FROM pg_catalog.pg_attrdef a JOIN pg_catalog.pg_depend d"
        " ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = a.oid AND d.refobjid = a.adrelid"
        " WHERE a.adrelid = $1::pg_catalog.oid AND a.adnum = $2::pg_catalog.int2 AND d.refobjsubid <> a.adnum",
        2, (const char *[]){oid, attnum});
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++)
        for (int c = 0; c < t->source.ncolumns; c++)
            if (t->source.columns[c].attnum == (int)strtol(PQgetvalue(res, i, 0), NULL, 10))
                inputs[c] = true;
    PQclear(res);
    return result;
}

static enum sc_result map_column(struct target *t, const struct ghost_column *g, const struct using *usings, int nusing,
                                 struct sc_error *err)
{
    struct pg_mapped *m = &t->map.columns[t->map.ncolumns++];
    int source = g->attnum - 1;
    const struct pg_column *column = &t->source.columns[source];
    bool *inputs = mem_array((size_t)t->source.ncolumns, sizeof(bool));
    enum sc_result result = SC_OK;
    m->ghost_column = g->name;
    m->source_column = source;
    const struct using *u = NULL;
    for (int i = 0; i < nusing; i++)
        if (usings[i].column == source)
            u = &usings[i];
    if (u) {
        m->source_column = -1;
        m->expression = arena_strdup(&t->arena, u->expression);
        memcpy(inputs, u->inputs, (size_t)t->source.ncolumns * sizeof(bool));
    } else if (column->generated) {
        m->source_column = -1;
        m->expression = arena_printf(&t->arena, "(%s)", column->expression);
        result = generated_inputs(t, column, inputs, err);
    } else {
        char *ident = pg_ident(column->name);
        m->expression = arena_strdup(&t->arena, ident);
        mem_free(ident);
        inputs[source] = true;
    }
    m->inputs = arena_array(&t->arena, (size_t)t->source.ncolumns + 1, sizeof(int));
    for (int c = 0; c < t->source.ncolumns; c++)
        if (inputs[c])
            m->inputs[m->ninputs++] = c;
    mem_free(inputs);
    return result;
}

static bool is_using(const struct using *usings, int nusing, int column)
{
    for (int i = 0; i < nusing; i++)
        if (usings[i].column == column)
            return true;
    return false;
}

static enum sc_result check_key_type(struct target *t, int source, struct plan *plan, struct sc_error *err)
{
    bool apart = false;
    enum sc_result result = pg_keys_stay_apart(t, source, source + 1, &apart, err);
    if (result == SC_OK && !apart)
        result = refuse(plan, err,
                        "with the new type of column %s of the key %s two rows could come to have one key. Types that "
                        "keep all that the old one can hold are accepted.",
                        t->source.columns[source].name, t->key.index_name);
    return result;
}

static enum sc_result map_key(struct target *t, const struct ghost_column *ghost, int nghost,
                              const struct using *usings, int nusing, struct plan *plan, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    t->map.nkey = t->key.count;
    t->map.key = arena_array(&t->arena, (size_t)t->key.count + 1, sizeof(int));
    for (int k = 0; k < t->key.count && result == SC_OK; k++) {
        int source = t->key.columns[k], mapped = -1, n = 0;
        for (int i = 0; i < nghost; i++) {
            if (ghost[i].generated || ghost[i].attnum > t->source.ncolumns)
                continue;
            if (ghost[i].attnum - 1 == source)
                mapped = n;
            n++;
        }
        const char *name = t->source.columns[source].name;
        if (mapped < 0)
            result = refuse(plan, err,
                            "the ALTER drops column %s of the key %s (or makes it generated); rows could not be found "
                            "in the new table any more. Migrate first to "
                            "a table with both keys, then drop it.",
                            name, t->key.index_name);
        else if (is_using(usings, nusing, source))
            result = refuse(plan, err,
                            "the ALTER computes column %s of the key %s by a USING expression; two rows could come to "
                            "have one key. Only a plain change of type can be done there.",
                            name, t->key.index_name);
        else
            result = check_key_type(t, source, plan, err);
        t->map.key[k] = mapped;
    }
    return result;
}

static enum sc_result make_map(struct target *t, const struct alter *alter, const struct using *usings,
                               struct plan *plan, struct sc_error *err)
{
    struct ghost_column *ghost = NULL;
    int nghost = 0;
    enum sc_result result = ghost_columns(t, &ghost, &nghost, err);
    t->map = (struct pg_map){.columns = arena_array(&t->arena, (size_t)nghost + 1, sizeof(struct pg_mapped))};
    for (int i = 0; i < nghost && result == SC_OK; i++) {
        if (ghost[i].attnum > t->source.ncolumns || ghost[i].generated)
            continue;
        const struct pg_column *column = &t->source.columns[ghost[i].attnum - 1];
        if (!alter->parsed && alter->has_using &&
            (ghost[i].type != column->type_oid || ghost[i].modifier != column->type_modifier))
            result = refuse(plan, err,
                            "column %s gets another type and the ALTER has a USING that this program's parser "
                            "(PostgreSQL 15) cannot read. Give the change of type an ALTER of its own.",
                            column->name);
        if (result == SC_OK)
            result = map_column(t, &ghost[i], usings, alter->nusing, err);
    }
    if (result == SC_OK)
        result = map_key(t, ghost, nghost, usings, alter->nusing, plan, err);
    return result;
}

/* --- what the ALTER must not do
 * ------------------------------------------------------------------------------------------ */

static enum sc_result check_altered(struct target *t, struct plan *plan, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(t->control, err, &res,
                 "SELECT relpersistence <> 'p', EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = c.oid), "
                 "reloftype <> 0,"
                 " (SELECT amname FROM pg_catalog.pg_am WHERE oid = c.relam) <> 'heap', "
                 "relnamespace::pg_catalog.regnamespace::pg_catalog.text <> pg_catalog.quote_ident($2)"
                 " FROM pg_catalog.pg_class c WHERE oid = $1::pg_catalog.oid",
                 2, (const char *[]){oid, t->ghost_schema});
    if (result != SC_OK)
        return result;
    static const char *const reasons[] = {
        "the ALTER makes the table unlogged; a crash would empty it. Run it natively.",
        "the ALTER makes the table inherit from another. Run it natively; it only changes the catalog.",
        "the ALTER gives the table a type (OF). Run it natively; it only changes the catalog.",
        "the ALTER gives the table an access method other than heap.",
        "the ALTER moves the table to another schema. Run it natively; it only changes the catalog.",
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]) && result == SC_OK; i++)
        if (PQgetvalue(res, 0, (int)i)[0] == 't')
            result = refuse(plan, err, "%s", reasons[i]);
    PQclear(res);
    return result;
}

/* What the log sends, as text: relation_check() compares it with each RELATION message. */
static void describe_relation(struct target *t)
{
    struct buf b = {0};
    for (int i = 0; i < t->nlogged; i++) {
        const struct pg_column *c = &t->source.columns[t->logged[i]];
        buf_printf(&b, "%s %u %d;", c->name, c->type_oid, c->type_modifier);
    }
    mem_free(t->relation_fingerprint);
    t->relation_fingerprint = buf_take(&b);
}

static enum sc_result run_alter(struct target *t, bool clone_first, struct sc_error *err)
{
    enum sc_result result = set_operator_path(t, clone_first, err);
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    pg_add_qualified(&sql, t->ghost_schema, t->source.name);
    buf_printf(&sql, " %s", t->spec.alter);
    PGresult *res = NULL;
    if (result == SC_OK) {
        /* By the extended protocol, which takes one statement only. */
        result = pg_query(t->control, err, &res, buf_cstr(&sql), 0, NULL);
        if (result == SC_FAIL) {
            result = err->result = SC_REFUSE;
            error_wrap(err, "the server refuses the ALTER");
        }
    }
    PQclear(res);
    buf_fini(&sql);
    return result;
}

enum sc_result pg_ghost_make(struct target *t, struct plan *plan, struct sc_error *err)
{
    struct alter alter = {0};
    struct using *usings = NULL;
    bool clone_first = false;
    struct plan none = {0};
    struct plan *refusals = plan ? plan : &none;
    t->ntodo = 0;
    enum sc_result result = alter_parse(t->spec.alter, &alter, err);
    if (result == SC_OK)
        result = bare_name_is_source(t, &clone_first, err);
    if (result == SC_OK)
        result = pg_clone_make(t, refusals, err);
    if (result == SC_OK)
        result = pg_set_path(t->control, "", NULL, err);
    if (result == SC_OK)
        result = find_clone(t, err);
    if (result == SC_OK)
        result = resolve_usings(t, &alter, clone_first, &usings, plan, err);
    if (result == SC_OK)
        result = run_alter(t, clone_first, err);
    if (result == SC_OK)
        result = pg_set_path(t->control, "", NULL, err);
    if (result == SC_OK)
        result = check_altered(t, plan, err);
    if (result == SC_OK)
        result = make_map(t, &alter, usings, plan, err);
    if (result == SC_OK)
        result = pg_carry(t, refusals, err);
    bool refused = refusals->refusals.count > 0;
    if (result == SC_OK && refused && !plan)
        result = error_set(err, SC_REFUSE, "%s", refusals->refusals.items[0]);
    if (result == SC_OK)
        result = pg_set_path(t->control, "", NULL, err);
    if (result == SC_OK && !refused)
        result = pg_ghost_key_types(t, t->control, err);
    if (result == SC_OK && !refused)
        result = pg_capture(t, refusals, err);
    if (result == SC_OK)
        result = pg_set_path(t->control, "", NULL, err);
    describe_relation(t);
    for (int i = 0; usings && i < alter.nusing; i++) {
        mem_free(usings[i].expression);
        mem_free(usings[i].inputs);
    }
    mem_free(usings);
    alter_fini(&alter);
    plan_fini(&none);
    return result;
}
