/* A foreign key that the ALTER adds, or whose columns it computes anew, need not hold for the rows that are there. In
 * the swap it comes NOT VALID, and is validated behind it; then it would be too late to say no. So before the cutover
 * the ghost's rows are looked up in the parent, and one without a parent stops the migration.
 *
 * The ghost is a little behind the source, and the parent is not: a row can have lost its parent because it is itself
 * about to be deleted. An orphan therefore counts only if the source still has that row with those values; everything
 * is seen by one snapshot. What is violated later shows when the constraint is validated.
 *
 * Foreign keys that the source has hold already, and are not looked at unless a column of theirs changes. */
#include <stdio.h>
#include <string.h>

#include "applier/postgres/ghost.h"
#include "applier/postgres/mapping.h"

/* One row for each column of each validated foreign key of the clone ($1), made of the source ($2); $3 are the columns
 * that are copied as they are. A stand-in's name tells the parent (clone.c). The comparison is the constraint's own,
 * with the casts and the collation that the server's check uses (manual, pg_constraint.conpfeqop). */
static const char keys_sql[] =
    "SELECT k.oid, k.conname, k.confmatchtype = 'f', k.confrelid = k.conrelid, pg_catalog.format('%I.%I', pn.nspname, "
    "p.relname), p.relkind = 'p',"
    "  pg_catalog.has_schema_privilege(pn.oid, 'USAGE') AND pg_catalog.has_table_privilege(p.oid, 'SELECT') AND NOT "
    "pg_catalog.row_security_active(p.oid),"
    "  fa.attname, pg_catalog.format_type(fa.atttypid, fa.atttypmod), pa.attname,"
    "  pg_catalog.format('OPERATOR(%I.%s)', opn.nspname, o.oprname),"
    "  CASE WHEN pa.atttypid <> o.oprleft AND lt.typtype <> 'p' THEN '::' || pg_catalog.format_type(o.oprleft, NULL) "
    "END,"
    "  CASE WHEN fa.atttypid <> o.oprright AND rt.typtype <> 'p' THEN '::' || pg_catalog.format_type(o.oprright, NULL) "
    "END,"
    "  CASE WHEN pa.attcollation <> fa.attcollation AND pa.attcollation <> 0 THEN ' COLLATE ' || "
    "pg_catalog.format('%I.%I', cn.nspname, l.collname) END"
    " FROM (SELECT k.*, st.oid IS NOT NULL AS standing, COALESCE(pg_catalog.split_part(st.relname, ' ', "
    "3)::pg_catalog.oid, k.confrelid) AS parent,"
    /* Was it there before? A key to the table itself is known by what it says. */
    "   st.oid IS NOT NULL OR (k.confrelid = k.conrelid AND EXISTS (SELECT FROM pg_catalog.pg_constraint w WHERE "
    "w.conrelid = $2::pg_catalog.oid AND w.contype = 'f' AND w.confrelid = w.conrelid AND w.convalidated"
    "    AND w.conname = k.conname AND pg_catalog.replace(pg_catalog.pg_get_constraintdef(w.oid), "
    "w.conrelid::pg_catalog.regclass::pg_catalog.text || '(', '(') ="
    "     pg_catalog.replace(pg_catalog.pg_get_constraintdef(k.oid), k.conrelid::pg_catalog.regclass::pg_catalog.text "
    "|| '(', '('))) AS held"
    "  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
    "  LEFT JOIN pg_catalog.pg_class st ON st.oid = k.confrelid AND st.relnamespace = c.relnamespace AND st.relname ~ "
    "'^seachange parent [0-9]+ [0-9]+$'"
    "  WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'f' AND k.conparentid = 0 AND k.convalidated"
    /* From 18 on: a range that several parents may cover together. */
    "   AND COALESCE(pg_catalog.to_jsonb(k) ->> 'conperiod', 'false') = 'false') k"
    " CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), "
    "pg_catalog.unnest(k.conpfeqop)) WITH ORDINALITY u(fk, pk, op, ord)"
    " JOIN pg_catalog.pg_attribute fa ON fa.attrelid = k.conrelid AND fa.attnum = u.fk"
    " JOIN pg_catalog.pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.pk"
    " JOIN pg_catalog.pg_class p ON p.oid = k.parent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace"
    " JOIN pg_catalog.pg_operator o ON o.oid = u.op JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace"
    " JOIN pg_catalog.pg_type lt ON lt.oid = o.oprleft JOIN pg_catalog.pg_type rt ON rt.oid = o.oprright"
    " LEFT JOIN pg_catalog.pg_collation l ON l.oid = pa.attcollation LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = "
    "l.collnamespace"
    " WHERE NOT k.held OR EXISTS (SELECT FROM pg_catalog.unnest(CASE WHEN k.conrelid = k.confrelid THEN k.conkey || "
    "k.confkey ELSE k.conkey END) n"
    "  WHERE n <> ALL ($3::pg_catalog.int2[])"
    "   OR (SELECT (a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.oid AND "
    "a.attnum = n) IS DISTINCT FROM"
    "    (SELECT (s.atttypid, s.atttypmod) FROM (SELECT *, pg_catalog.row_number() OVER (ORDER BY attnum) AS place "
    "FROM pg_catalog.pg_attribute"
    "     WHERE attrelid = $2::pg_catalog.oid AND attnum > 0 AND NOT attisdropped) s WHERE s.place = n))"
    " ORDER BY k.oid, u.ord";

enum column {
    KEY_OID,
    NAME,
    MATCH_FULL,
    TO_ITSELF,
    PARENT,
    PARTITIONED,
    READABLE,
    CHILD_COLUMN,
    CHILD_TYPE,
    PARENT_COLUMN,
    OPERATOR,
    PARENT_CAST,
    CHILD_CAST,
    COLLATE,
};

/* One foreign key: rows [first, end) of the query's result. */
struct foreign_key {
    const PGresult *res;
    int first, end;
};

static const char *text(const struct foreign_key *f, int row, enum column column)
{
    return PQgetvalue(f->res, row, (int)column); /* "" for NULL */
}

static bool is_true(const struct foreign_key *f, enum column column)
{
    return text(f, f->first, column)[0] == 't';
}

static void add_child(struct buf *sql, const struct foreign_key *f, int row)
{
    buf_str(sql, "\"seachange child\".");
    pg_add_ident(sql, text(f, row, CHILD_COLUMN));
}

/* Which rows must have a parent: those without a NULL; with MATCH FULL those that are not all NULL. */
static void add_bound(struct buf *sql, const struct foreign_key *f)
{
    for (int i = f->first; i < f->end; i++) {
        buf_str(sql, i == f->first ? "(" : is_true(f, MATCH_FULL) ? " OR " : " AND ");
        add_child(sql, f, i);
        buf_str(sql, " IS NOT NULL");
    }
    buf_str(sql, ")");
}

static void add_no_parent(struct buf *sql, const struct target *t, const struct foreign_key *f)
{
    buf_str(sql, "NOT EXISTS (SELECT FROM ");
    if (!is_true(f, PARTITIONED))
        buf_str(sql, "ONLY ");
    if (is_true(f, TO_ITSELF))
        pg_add_ghost(sql, t);
    else
        buf_str(sql, text(f, f->first, PARENT));
    buf_str(sql, " AS \"seachange parent\" WHERE ");
    for (int i = f->first; i < f->end; i++) {
        buf_str(sql, i == f->first ? "" : " AND ");
        buf_str(sql, "\"seachange parent\".");
        pg_add_ident(sql, text(f, i, PARENT_COLUMN));
        buf_printf(sql, "%s %s (", text(f, i, PARENT_CAST), text(f, i, OPERATOR));
        add_child(sql, f, i);
        buf_printf(sql, "%s%s)", text(f, i, CHILD_CAST), text(f, i, COLLATE));
    }
    buf_str(sql, ")");
}

static int mapped(const struct target *t, const char *ghost_column)
{
    for (int i = 0; i < t->map.ncolumns; i++)
        if (strcmp(t->map.columns[i].ghost_column, ghost_column) == 0)
            return i;
    return -1; /* added, or generated: its value is the ghost's own */
}

static void add_still_so(struct buf *sql, const struct target *t, const struct foreign_key *f)
{
    buf_str(sql, "EXISTS (SELECT FROM (SELECT ");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(sql, k ? ", " : "");
        pg_add_key_expression(sql, t, k);
        buf_printf(sql, " AS \"seachange k%d\"", k);
    }
    for (int i = f->first; i < f->end; i++) {
        int m = mapped(t, text(f, i, CHILD_COLUMN));
        if (m >= 0)
            buf_printf(sql, ", CAST(%s AS %s) AS \"seachange v%d\"", t->map.columns[m].expression,
                       text(f, i, CHILD_TYPE), i - f->first);
    }
    buf_str(sql, " FROM ONLY ");
    pg_add_source(sql, t);
    buf_str(sql, " AS ");
    pg_add_ident(sql, t->source.name);
    buf_str(sql, ") AS \"seachange row\" WHERE ");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_printf(sql, "%s\"seachange row\".\"seachange k%d\" = \"seachange child\".", k ? " AND " : "", k);
        pg_add_ident(sql, t->map.columns[t->map.key[k]].ghost_column);
    }
    for (int i = f->first; i < f->end; i++)
        if (mapped(t, text(f, i, CHILD_COLUMN)) >= 0) {
            buf_printf(sql, " AND \"seachange row\".\"seachange v%d\" IS NOT DISTINCT FROM ", i - f->first);
            add_child(sql, f, i);
        }
    buf_str(sql, ")");
}

static void add_check(struct target *t, struct plan *plan, const struct foreign_key *f)
{
    const char *name = text(f, f->first, NAME);
    if (!is_true(f, TO_ITSELF) && !is_true(f, READABLE)) {
        strlist_addf(&plan->notes,
                     "foreign key %s: this role may not read all of %s, so the rows cannot be looked up in it before "
                     "the cutover. The constraint is validated behind it, and stays NOT VALID should that fail",
                     name, text(f, f->first, PARENT));
        return;
    }
    struct buf sql = {0};
    buf_str(&sql, "SELECT FROM ONLY ");
    pg_add_ghost(&sql, t);
    buf_str(&sql, " AS \"seachange child\" WHERE ");
    add_bound(&sql, f);
    buf_str(&sql, " AND ");
    add_no_parent(&sql, t, f);
    buf_str(&sql, " AND ");
    add_still_so(&sql, t, f);
    buf_str(&sql, " LIMIT 1");
    char *what = mem_printf("foreign key %s to %s", name,
                            is_true(f, TO_ITSELF) ? "the table itself" : text(f, f->first, PARENT));
    pg_todo_add(t, STAGE_AFTER, what, buf_cstr(&sql));
    mem_free(what);
    buf_fini(&sql);
}

/* The clone's columns that are the source's, value for value. */
static char *plain_columns(const struct target *t)
{
    struct buf b = {0};
    buf_str(&b, "{");
    const char *glue = "";
    for (int i = 0; i < t->map.ncolumns; i++)
        if (t->map.columns[i].source_column >= 0) {
            buf_printf(&b, "%s%d", glue, t->map.columns[i].source_column + 1);
            glue = ",";
        }
    buf_str(&b, "}");
    return buf_take(&b);
}

enum sc_result pg_orphan_checks(struct target *t, struct plan *plan, struct sc_error *err)
{
    char clone[16], source[16], *plain = plain_columns(t);
    snprintf(clone, sizeof(clone), "%u", t->ghost_oid);
    snprintf(source, sizeof(source), "%u", t->source.oid);
    PGresult *res = NULL;
    enum sc_result result = pg_query(t->control, err, &res, keys_sql, 3, (const char *[]){clone, source, plain});
    mem_free(plain);
    if (result != SC_OK)
        return error_wrap(err, "cannot read the altered clone's foreign keys");
    for (int i = 0; i < PQntuples(res);) {
        struct foreign_key f = {.res = res, .first = i};
        while (i < PQntuples(res) && strcmp(PQgetvalue(res, i, KEY_OID), PQgetvalue(res, f.first, KEY_OID)) == 0)
            i++;
        f.end = i;
        add_check(t, plan, &f);
    }
    PQclear(res);
    return SC_OK;
}

enum sc_result pg_orphan_check_run(struct session *s, const struct pg_todo *todo, struct sc_error *err)
{
    PGresult *res = NULL;
    /* Whole tables are read; elsewhere a session of ours never wants that. */
    enum sc_result result = pg_run(s->conn, err, "SET LOCAL enable_seqscan = on");
    if (result == SC_OK)
        result = pg_query(s->conn, err, &res, todo->sql, 0, NULL);
    bool found = result == SC_OK && PQntuples(res) > 0;
    PQclear(res);
    if (!found)
        return result;
    error_set(err, SC_FAIL, "the table has rows without a parent");
    return error_hint(err,
                      "The ALTER itself would fail on them. Nothing was swapped. Mend these rows, or add the "
                      "constraint NOT VALID; then `seachange abort %s` and start again.",
                      s->target->migration.id);
}

bool pg_is_orphan_check(const struct pg_todo *todo)
{
    return todo->stage == STAGE_AFTER && strncmp(todo->sql, "SELECT ", 7) == 0;
}
