#include "applier/postgres/dependents.h"

#include <stdio.h>
#include <string.h>

/* Everything that pg_depend knows to stand on the table, its row type or that type's array, sorted into what is carried
 * over, how, and what is not. What is not known here is refused: a kind of object that a newer server brings must not
 * be lost quietly. */
static const char dependents_sql[] =
    "WITH t AS (SELECT c.oid, c.reltype, (SELECT typarray FROM pg_catalog.pg_type WHERE oid = c.reltype) AS arraytype"
    "  FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.oid),"
    " d AS (SELECT DISTINCT d.classid, d.objid, d.classid::pg_catalog.regclass::pg_catalog.text AS class,"
    "   d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AS by_type"
    "  FROM pg_catalog.pg_depend d, t WHERE d.deptype <> 'e' AND"
    "  ((d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = t.oid)"
    "   OR (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid IN (t.reltype, t.arraytype)))"
    "  AND NOT (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = t.oid))"
    " SELECT pg_catalog.pg_describe_object(classid, objid, 0) AS what,"
    "  CASE"
    "  WHEN by_type AND class = 'pg_type' AND objid = t.arraytype THEN 'own'"
    "  WHEN by_type THEN 'refused: uses the table''s row type'"
    "  WHEN class = 'pg_type' AND objid IN (t.reltype, t.arraytype) THEN 'own'"
    "  WHEN class = 'pg_attrdef' AND (SELECT adrelid FROM pg_catalog.pg_attrdef WHERE oid = objid) = t.oid THEN 'own'"
    "  WHEN class = 'pg_constraint' THEN (SELECT CASE WHEN conrelid = t.oid THEN 'own'"
    "    WHEN contype = 'f' AND confrelid = t.oid AND (SELECT relkind FROM pg_catalog.pg_class WHERE oid = conrelid) = "
    "'r'"
    "     AND NOT (SELECT relispartition FROM pg_catalog.pg_class WHERE oid = conrelid)"
    "     THEN CASE WHEN pg_catalog.pg_has_role((SELECT relowner FROM pg_catalog.pg_class WHERE oid = conrelid), "
    "'USAGE')"
    "      THEN 'carried: points to the new table, NOT VALID in the swap and validated after it'"
    "      ELSE 'refused: its table belongs to a role that ' || pg_catalog.quote_ident(session_user) || ' is not a "
    "member of' END"
    "    WHEN contype = 'f' AND confrelid = t.oid THEN 'refused: a foreign key of a partitioned table cannot be added "
    "NOT VALID'"
    "    ELSE 'refused: it depends on the table' END FROM pg_catalog.pg_constraint WHERE oid = objid)"
    "  WHEN class = 'pg_class' THEN (SELECT CASE WHEN relkind IN ('i', 't') THEN 'own'"
    "    WHEN relkind = 'S' THEN 'own' WHEN relkind = 'r' AND relispartition THEN 'own' ELSE 'refused: it depends on "
    "the table' END"
    "    FROM pg_catalog.pg_class WHERE oid = objid)"
    "  WHEN class = 'pg_trigger' THEN (SELECT CASE WHEN tgrelid = t.oid OR tgisinternal THEN 'own' ELSE 'refused: a "
    "trigger of another table names this one' END"
    "    FROM pg_catalog.pg_trigger WHERE oid = objid)"
    "  WHEN class = 'pg_policy' THEN (SELECT CASE WHEN polrelid = t.oid THEN 'own' ELSE 'refused: a policy of another "
    "table reads this one' END"
    "    FROM pg_catalog.pg_policy WHERE oid = objid)"
    "  WHEN class = 'pg_statistic_ext' THEN (SELECT CASE WHEN stxrelid = t.oid THEN 'own' ELSE 'refused: it depends on "
    "the table' END"
    "    FROM pg_catalog.pg_statistic_ext WHERE oid = objid)"
    "  WHEN class = 'pg_publication_rel' THEN (SELECT CASE WHEN pg_catalog.pg_has_role(pubowner, 'USAGE')"
    "    THEN 'carried: publishes the new table from the swap on' ELSE 'refused: belongs to a role that ' || "
    "pg_catalog.quote_ident(session_user) || ' is not a member of' END"
    "    FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid WHERE r.oid = "
    "objid)"
    "  WHEN class = 'pg_rewrite' THEN (SELECT CASE WHEN r.ev_class = t.oid THEN 'own'"
    "    WHEN v.relkind = 'm' THEN 'refused: a materialized view cannot be pointed to another table; drop it, migrate, "
    "create it again'"
    "    WHEN v.relkind = 'v' AND r.rulename = '_RETURN' THEN CASE WHEN pg_catalog.pg_has_role(v.relowner, 'USAGE')"
    "      THEN 'carried: replaced in the swap, reads the new table' ELSE 'refused: belongs to a role that ' || "
    "pg_catalog.quote_ident(session_user) || ' is not a member of' END"
    "    ELSE 'refused: a rule reads or writes the table' END"
    "    FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class v ON v.oid = r.ev_class WHERE r.oid = objid)"
    "  WHEN class = 'pg_proc' THEN 'refused: a function with an SQL body is bound to the table; drop it, migrate, "
    "create it again'"
    "  ELSE 'refused: it depends on the table' END AS fate"
    " FROM d, t ORDER BY 1";

enum sc_result pg_dependents_check(struct target *t, struct plan *plan, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    PGresult *res = NULL;
    enum sc_result result = pg_query(t->control, err, &res, dependents_sql, 1, (const char *[]){oid});
    if (result != SC_OK)
        return error_wrap(err, "cannot read what depends on the table");
    for (int i = 0; i < PQntuples(res); i++) {
        const char *what = PQgetvalue(res, i, 0);
        const char *fate = PQgetisnull(res, i, 1) ? "refused: it depends on the table" : PQgetvalue(res, i, 1);
        if (strncmp(fate, "refused: ", 9) == 0)
            strlist_addf(&plan->refusals, "%s: %s", what, fate + 9);
        else if (strncmp(fate, "carried: ", 9) == 0)
            strlist_addf(&plan->notes, "%s: %s", what, fate + 9);
    }
    PQclear(res);
    return SC_OK;
}

/* Rows (stage, name, statement). $1 is the source, $2 the clone, $3 the clone's schema, $4 the schema the old table
 * goes to. search_path is empty: every name has its schema, and after the swap the source's name means the new table.
 * Source columns are found on the clone by their place among the source's columns, which is the clone's attnum. */
#define PLACES                                                                                                         \
    "WITH place AS (SELECT a.attnum AS source, pg_catalog.row_number() OVER (ORDER BY a.attnum)::pg_catalog.int2 AS "  \
    "clone, a.attname,"                                                                                                \
    "  a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 " \
    "AND NOT a.attisdropped),"                                                                                         \
    " kept AS (SELECT place.*, g.attname AS new_name, g.atttypid = place.atttypid AND g.atttypmod = place.atttypmod "  \
    "AS same_type"                                                                                                     \
    "  FROM place JOIN pg_catalog.pg_attribute g ON g.attrelid = $2::pg_catalog.oid AND g.attnum = place.clone AND "   \
    "NOT g.attisdropped),"                                                                                             \
    " source AS (SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "     \
    "n.oid = c.relnamespace"                                                                                           \
    "  WHERE c.oid = $1::pg_catalog.oid) "

static const char *const carry_sql[] = {
    /* Serial: a sequence owned by a column goes along with its table; it must stay and belong to the new one. */
    PLACES "SELECT 3, 'sequence ' || s.relname, pg_catalog.format('ALTER SEQUENCE %I.%I OWNED BY NONE', "
           "source.nspname, s.relname)"
           " FROM source, pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
           "JOIN kept ON kept.source = d.refobjsubid"
           " WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid"
           "  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'"
           " UNION ALL SELECT 4, 'sequence ' || s.relname, pg_catalog.format('ALTER SEQUENCE %I.%I OWNED BY %I.%I.%I', "
           "source.nspname, s.relname,"
           "  source.nspname, source.relname, kept.new_name)"
           " FROM source, pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
           "JOIN kept ON kept.source = d.refobjsubid"
           " WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid"
           "  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a' ORDER BY 1",
    /* Identity: the new column's own sequence goes on where the old one stands. */
    PLACES
    "SELECT 3, 'identity sequence of ' || kept.new_name,"
    " pg_catalog.format('SELECT pg_catalog.setval(%L, last_value, is_called) FROM %s',"
    "  pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', $3::pg_catalog.text, source.relname), "
    "kept.new_name),"
    "  pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', source.nspname, source.relname), kept.attname))"
    " FROM source, kept JOIN pg_catalog.pg_attribute s ON s.attrelid = $1::pg_catalog.oid AND s.attnum = kept.source "
    "AND s.attidentity <> ''"
    " JOIN pg_catalog.pg_attribute g ON g.attrelid = $2::pg_catalog.oid AND g.attnum = kept.clone AND g.attidentity <> "
    "''",
    /* Extended statistics have a schema of their own. */
    PLACES "SELECT 3, 'statistics ' || s.stxname, pg_catalog.format('ALTER STATISTICS %I.%I SET SCHEMA %I', n.nspname, "
           "s.stxname, $4::pg_catalog.text)"
           " FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE "
           "s.stxrelid = $1::pg_catalog.oid"
           " UNION ALL SELECT 4, 'statistics ' || g.stxname, pg_catalog.format('ALTER STATISTICS %I.%I SET SCHEMA %I', "
           "$3::pg_catalog.text, g.stxname, n.nspname)"
           " FROM pg_catalog.pg_statistic_ext g JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = $1::pg_catalog.oid "
           "AND s.stxname = g.stxname"
           " JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE g.stxrelid = $2::pg_catalog.oid ORDER BY 1",
    /* Foreign keys of other tables. */
    PLACES "SELECT 4, 'foreign key ' || k.conname || ' of ' || k.conrelid::pg_catalog.regclass,"
           " pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s NOT VALID', "
           "k.conrelid::pg_catalog.regclass, k.conname, k.conname,"
           "  pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(k.oid), ' NOT VALID$', ''))"
           " FROM source, pg_catalog.pg_constraint k WHERE k.confrelid = $1::pg_catalog.oid AND k.conrelid NOT IN "
           "(k.confrelid, $2::pg_catalog.oid) AND k.contype = 'f' AND k.conparentid = 0"
           " UNION ALL SELECT 4, 'comment on ' || k.conname, pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS %L', "
           "k.conname, k.conrelid::pg_catalog.regclass,"
           "  pg_catalog.obj_description(k.oid, 'pg_constraint'))"
           " FROM pg_catalog.pg_constraint k WHERE k.confrelid = $1::pg_catalog.oid AND k.conrelid NOT IN "
           "(k.confrelid, $2::pg_catalog.oid) AND k.contype = 'f' AND k.conparentid = 0"
           "  AND pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL"
           " UNION ALL SELECT 5, 'validate foreign key ' || k.conname || ' of ' || k.conrelid::pg_catalog.regclass,"
           "  pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::pg_catalog.regclass, k.conname)"
           " FROM pg_catalog.pg_constraint k WHERE k.confrelid = $1::pg_catalog.oid AND k.conrelid NOT IN "
           "(k.confrelid, $2::pg_catalog.oid) AND k.contype = 'f' AND k.conparentid = 0 AND k.convalidated ORDER BY 1",
    /* Views. */
    PLACES "SELECT DISTINCT 4, 'view ' || v.oid::pg_catalog.regclass, pg_catalog.format('CREATE OR REPLACE VIEW %s%s "
           "AS %s', v.oid::pg_catalog.regclass,"
           "  ' WITH (' || pg_catalog.array_to_string(v.reloptions, ', ') || ')', pg_catalog.pg_get_viewdef(v.oid))"
           " FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class v ON "
           "v.oid = r.ev_class AND v.relkind = 'v'"
           " WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = "
           "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid",
};

/* From 15 on a publication can name columns and rows (manual, 31.3 and 31.4). */
static const char publications_sql_14[] =
    "SELECT 4, 'publication ' || p.pubname, pg_catalog.format('ALTER PUBLICATION %I DROP TABLE ONLY %I.%I', p.pubname, "
    "$4::pg_catalog.text, c.relname)"
    " || pg_catalog.format('; ALTER PUBLICATION %I ADD TABLE ONLY %I.%I', p.pubname, n.nspname, c.relname)"
    " FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid JOIN "
    "pg_catalog.pg_class c ON c.oid = r.prrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.prrelid = $1::pg_catalog.oid AND p.pubname !~ "
    "'^seachange_[0-9a-f]{8}$'"
    " AND $2::pg_catalog.oid IS NOT NULL AND $3::pg_catalog.text IS NOT NULL";
static const char publications_sql_15[] =
    PLACES "SELECT 4, 'publication ' || p.pubname, pg_catalog.format('ALTER PUBLICATION %I DROP TABLE ONLY %I.%I', "
           "p.pubname, $4::pg_catalog.text, source.relname)"
           " || pg_catalog.format('; ALTER PUBLICATION %I ADD TABLE ONLY %I.%I%s%s', p.pubname, source.nspname, "
           "source.relname,"
           "  ' (' || (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(kept.new_name), ', ' ORDER BY u.ord)"
           "   FROM pg_catalog.unnest(r.prattrs) WITH ORDINALITY u(n, ord) JOIN kept ON kept.source = u.n) || ')',"
           "  ' WHERE (' || pg_catalog.pg_get_expr(r.prqual, r.prrelid) || ')')"
           " FROM source, pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid"
           " WHERE r.prrelid = $1::pg_catalog.oid AND p.pubname !~ '^seachange_[0-9a-f]{8}$'";

/* What the ALTER took away from under others: a column that a view, a foreign key or a publication uses. The server
 * itself refuses most of these on the source; on the clone it cannot know. */
static const char *const refuse_sql[] = {
    PLACES "SELECT DISTINCT 'view ' || v.oid::pg_catalog.regclass || ' uses column ' || "
           "pg_catalog.quote_ident(place.attname) || ', which the ALTER '"
           " || CASE WHEN kept.source IS NULL THEN 'drops' WHEN kept.new_name <> place.attname THEN 'renames' ELSE "
           "'gives another type' END"
           " || '. Drop the view, migrate, and create it again.'"
           " FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class v ON "
           "v.oid = r.ev_class"
           " JOIN place ON place.source = d.refobjsubid LEFT JOIN kept ON kept.source = place.source"
           " WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = "
           "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid"
           "  AND (kept.source IS NULL OR kept.new_name <> place.attname OR NOT kept.same_type) AND "
           "$3::pg_catalog.text IS NOT NULL AND $4::pg_catalog.text IS NOT NULL",
    PLACES "SELECT 'foreign key ' || k.conname || ' of ' || k.conrelid::pg_catalog.regclass || ' needs a unique index "
           "that the ALTER takes away. Drop the foreign key first.'"
           " FROM pg_catalog.pg_constraint k WHERE k.confrelid = $1::pg_catalog.oid AND k.conrelid NOT IN "
           "(k.confrelid, $2::pg_catalog.oid) AND k.contype = 'f' AND k.conparentid = 0"
           "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = $2::pg_catalog.oid AND "
           "i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL"
           "   AND (SELECT pg_catalog.array_agg(a ORDER BY a) FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH "
           "ORDINALITY u(a, ord) WHERE u.ord <= i.indnkeyatts)"
           "    = (SELECT pg_catalog.array_agg(kept.clone ORDER BY kept.clone) FROM pg_catalog.unnest(k.confkey) u(n) "
           "JOIN kept ON kept.source = u.n)"
           "   AND i.indnkeyatts = pg_catalog.cardinality(k.confkey)) AND $3::pg_catalog.text IS NOT NULL AND "
           "$4::pg_catalog.text IS NOT NULL",
    PLACES "SELECT 'foreign key ' || k.conname || ' of ' || k.conrelid::pg_catalog.regclass || ' points to column ' || "
           "pg_catalog.quote_ident(kept.attname)"
           " || ', which the ALTER renames. Drop the foreign key first.'"
           " FROM pg_catalog.pg_constraint k CROSS JOIN LATERAL pg_catalog.unnest(k.confkey) u(n) JOIN kept ON "
           "kept.source = u.n AND kept.new_name <> kept.attname"
           " WHERE k.confrelid = $1::pg_catalog.oid AND k.conrelid NOT IN (k.confrelid, $2::pg_catalog.oid) AND "
           "k.contype = 'f' AND k.conparentid = 0"
           "  AND $3::pg_catalog.text IS NOT NULL AND $4::pg_catalog.text IS NOT NULL",
};
static const char refuse_publication_sql_15[] =
    PLACES "SELECT 'publication ' || pg_catalog.quote_ident(p.pubname) || ' names columns or rows by what the ALTER "
           "renames or drops. Take the table out of it first.'"
           " FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid WHERE "
           "r.prrelid = $1::pg_catalog.oid"
           "  AND (EXISTS (SELECT FROM pg_catalog.unnest(r.prattrs) u(n) LEFT JOIN kept ON kept.source = u.n WHERE "
           "kept.source IS NULL)"
           "   OR (r.prqual IS NOT NULL AND EXISTS (SELECT FROM place LEFT JOIN kept ON kept.source = place.source "
           "WHERE (kept.source IS NULL OR kept.new_name <> place.attname)"
           "    AND EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = "
           "'pg_catalog.pg_publication_rel'::pg_catalog.regclass AND d.objid = r.oid"
           "     AND d.refobjid = $1::pg_catalog.oid AND d.refobjsubid = place.source))))"
           "  AND $3::pg_catalog.text IS NOT NULL AND $4::pg_catalog.text IS NOT NULL";

static enum sc_result refuse_rows(struct target *t, const char *sql, const char *const *params, struct plan *plan,
                                  struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(t->control, err, &res, sql, 4, params);
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++)
        strlist_add(&plan->refusals, PQgetvalue(res, i, 0));
    PQclear(res);
    return result;
}

enum sc_result pg_dependents_carry(struct target *t, struct plan *plan,
                                   void (*add)(struct target *t, enum pg_stage stage, const char *name,
                                               const char *sql),
                                   struct sc_error *err)
{
    char source[16], clone[16];
    snprintf(source, sizeof(source), "%u", t->source.oid);
    snprintf(clone, sizeof(clone), "%u", t->ghost_oid);
    const char *params[] = {source, clone, t->ghost_schema, t->old_schema};
    bool columns = t->server.version >= 150000;
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(refuse_sql) / sizeof(refuse_sql[0]) && result == SC_OK; i++)
        result = refuse_rows(t, refuse_sql[i], params, plan, err);
    if (result == SC_OK && columns)
        result = refuse_rows(t, refuse_publication_sql_15, params, plan, err);
    size_t count = sizeof(carry_sql) / sizeof(carry_sql[0]);
    for (size_t i = 0; i <= count && result == SC_OK; i++) {
        const char *sql = i < count ? carry_sql[i] : columns ? publications_sql_15 : publications_sql_14;
        /* Every parameter has to be used, so that the server knows its type. */
        struct buf text = {0};
        buf_printf(&text,
                   "SELECT * FROM (%s) AS carried WHERE $2::pg_catalog.oid IS NOT NULL AND $3::pg_catalog.text IS NOT "
                   "NULL AND $4::pg_catalog.text IS NOT NULL",
                   sql);
        PGresult *res = NULL;
        result = pg_query(t->control, err, &res, buf_cstr(&text), 4, params);
        buf_fini(&text);
        for (int row = 0; result == SC_OK && row < PQntuples(res); row++)
            add(t, (enum pg_stage)(PQgetvalue(res, row, 0)[0] - '0'), PQgetvalue(res, row, 1), PQgetvalue(res, row, 2));
        PQclear(res);
    }
    if (result != SC_OK)
        error_wrap(err, "cannot read what depends on the table");
    return result;
}
