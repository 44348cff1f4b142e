/* What is bound to the table from outside is bound to the new one: statements for the swap, written now, while it can
 * be tried whether they will work. Whether a view or a foreign key of another table still fits the altered table is
 * asked of the server: a twin of the view, and of the other table's columns, is put on the clone for a moment. */
#include <stdio.h>
#include <string.h>

#include "applier/postgres/ghost.h"
#include "base/plant.h"

/* $1 is the source, $2 the clone, $3 the clone's schema, $4 the schema the old table goes to. Source columns are found
 * on the clone by their place among the source's columns, which is the clone's attnum. */
#define PLACES                                                                                                         \
    "WITH place AS (SELECT a.attnum AS source, pg_catalog.row_number() OVER (ORDER BY a.attnum)::pg_catalog.int2 AS "  \
    "clone, a.attname"                                                                                                 \
    "  FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped)," \
    " kept AS (SELECT place.*, g.attname AS new_name"                                                                  \
    "  FROM place JOIN pg_catalog.pg_attribute g ON g.attrelid = $2::pg_catalog.oid AND g.attnum = place.clone AND "   \
    "NOT g.attisdropped),"                                                                                             \
    " source AS (SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "     \
    "n.oid = c.relnamespace"                                                                                           \
    "  WHERE c.oid = $1::pg_catalog.oid) "

/* Sequences that belong to columns of the source. */
#define OWNED                                                                                                          \
    " pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'"                        \
    "  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid"              \
    "  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a' "

/* Foreign keys of other tables: what they are called, where they point to before and after the ALTER, as text. */
#define CHILDREN                                                                                                       \
    "children AS (SELECT k.oid, k.conname, k.conrelid, k.conkey, k.convalidated, pg_catalog.obj_description(k.oid, "   \
    "'pg_constraint') AS comment,"                                                                                     \
    "  pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS def,"                   \
    "  ' REFERENCES ' || k.confrelid::pg_catalog.regclass || '(' || c.old || ')' AS old, c.new"                        \
    " FROM pg_catalog.pg_constraint k CROSS JOIN LATERAL (SELECT "                                                     \
    "pg_catalog.string_agg(pg_catalog.quote_ident(place.attname), ', ' ORDER BY u.ord) AS old,"                        \
    "   CASE WHEN pg_catalog.count(*) = pg_catalog.count(kept.source) THEN "                                           \
    "pg_catalog.string_agg(pg_catalog.quote_ident(kept.new_name), ', ' ORDER BY u.ord) END AS new"                     \
    "   FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(n, ord) JOIN place ON place.source = u.n LEFT JOIN kept "  \
    "ON kept.source = u.n) c"                                                                                          \
    " WHERE k.confrelid = $1::pg_catalog.oid AND k.conrelid NOT IN (k.confrelid, $2::pg_catalog.oid) AND k.contype = " \
    "'f' AND k.conparentid = 0) "

/* Views that read the source. */
#define READERS                                                                                                        \
    " pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class v ON v.oid = "   \
    "r.ev_class AND v.relkind = 'v'"                                                                                   \
    " WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = "                              \
    "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid"

_Static_assert(STAGE_SWAP_BEFORE == 3 && STAGE_SWAP == 4 && STAGE_POST == 5 && STAGE_DETACH == 6 && STAGE_UNDO == 7,
               "the queries below number the stages");

/* Rows (stage, name, statement). search_path is empty: every name has its schema, and after the swap the source's name
 * means the new table. */
static const char *const carry_sql[] = {
    /* The old table's rows must not hold rows of others back once nobody sees them any more. */
    PLACES "SELECT 3, 'foreign key ' || k.conname || ' of the old table', pg_catalog.format('ALTER TABLE %I.%I DROP "
           "CONSTRAINT %I', source.nspname, source.relname, k.conname)"
           " FROM source, pg_catalog.pg_constraint k WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'f' AND "
           "k.confrelid <> k.conrelid AND k.conparentid = 0",
    /* Serial: a sequence owned by a column goes along with its table; it must stay and belong to the new one. That
     * takes a lock on it which waits for whoever has called nextval(); who did so before coming to the table would wait
     * for the cutover, and the cutover for him. So it is let go before, and taken up after. */
    PLACES ", owned AS (SELECT s.relname, source.nspname, source.relname AS table_name, kept.attname, kept.new_name,"
           "   (SELECT pg_catalog.format('ALTER SEQUENCE %I.%I OWNER TO %I; ', source.nspname, s.relname, "
           "pg_catalog.pg_get_userbyid(g.relowner)) FROM pg_catalog.pg_class g WHERE g.oid = $2::pg_catalog.oid AND "
           "g.relowner <> s.relowner) AS owner"
           "  FROM source," OWNED "JOIN kept ON kept.source = d.refobjsubid)"
           " SELECT 6, 'sequence ' || relname, pg_catalog.format('ALTER SEQUENCE %I.%I OWNED BY NONE', nspname, "
           "relname) FROM owned"
           " UNION ALL SELECT 5, 'sequence ' || relname, pg_catalog.concat(owner, pg_catalog.format('ALTER SEQUENCE "
           "%I.%I OWNED BY %I.%I.%I', nspname, relname, nspname, table_name, new_name)) FROM owned"
           " UNION ALL SELECT 7, 'sequence ' || relname, pg_catalog.format('ALTER SEQUENCE %I.%I OWNED BY %I.%I.%I', "
           "nspname, relname, nspname, table_name, attname) FROM owned ORDER BY 1",
    /* Identity: the new column's own sequence goes on where the old one stands, unless the ALTER restarted it: one that
     * was restarted has not been called yet (clone.c). */
    PLACES "SELECT 3, 'identity sequence of ' || new_name, pg_catalog.format('SELECT pg_catalog.setval(%L, last_value, "
           "is_called) FROM %s', new_sequence, old_sequence)"
           " FROM (SELECT kept.new_name, pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', "
           "$3::pg_catalog.text, source.relname), kept.new_name) AS new_sequence,"
           "   pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', source.nspname, source.relname), "
           "kept.attname) AS old_sequence"
           "  FROM source, kept JOIN pg_catalog.pg_attribute s ON s.attrelid = $1::pg_catalog.oid AND s.attnum = "
           "kept.source AND s.attidentity <> ''"
           "  JOIN pg_catalog.pg_attribute g ON g.attrelid = $2::pg_catalog.oid AND g.attnum = kept.clone AND "
           "g.attidentity <> '') x"
           " WHERE pg_catalog.pg_sequence_last_value(new_sequence::pg_catalog.regclass) IS NOT NULL",
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
    PLACES ", " CHILDREN "SELECT 4, 'foreign key ' || conname || ' of ' || conrelid::pg_catalog.regclass,"
           " pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s%s', "
           "conrelid::pg_catalog.regclass, conname, conname,"
           "  pg_catalog.replace(def, children.old, pg_catalog.format(' REFERENCES %I.%I(%s)', source.nspname, "
           "source.relname, children.new)),"
           "  CASE WHEN def !~ ' NOT ENFORCED$' THEN ' NOT VALID' END)"
           " FROM source, children"
           " UNION ALL SELECT 4, 'comment on ' || conname, pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS %L', "
           "conname, conrelid::pg_catalog.regclass, comment)"
           " FROM children WHERE comment IS NOT NULL"
           " UNION ALL SELECT 5, 'validate foreign key ' || conname || ' of ' || conrelid::pg_catalog.regclass,"
           "  pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I', conrelid::pg_catalog.regclass, conname)"
           " FROM children WHERE convalidated ORDER BY 1",
    PLACES "SELECT DISTINCT 4, 'view ' || v.oid::pg_catalog.regclass, pg_catalog.format('CREATE OR REPLACE VIEW %s%s "
           "AS %s', v.oid::pg_catalog.regclass,"
           "  ' WITH (' || pg_catalog.array_to_string(v.reloptions, ', ') || ')', pg_catalog.pg_get_viewdef(v.oid))"
           " FROM " READERS,
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

/* Rows (reason). What the server would refuse, or do otherwise, on the source, and cannot know on the clone. */
static const char *const refuse_sql[] = {
    PLACES "SELECT DISTINCT 'the ALTER drops column ' || pg_catalog.quote_ident(place.attname) || ', to which sequence "
           "' || s.oid::pg_catalog.regclass || ' belongs, but ' ||"
           "  pg_catalog.pg_describe_object(u.classid, u.objid, u.objsubid) || ' uses that. ALTER SEQUENCE ... OWNED "
           "BY NONE first.'"
           " FROM" OWNED "JOIN place ON place.source = d.refobjsubid LEFT JOIN kept ON kept.source = d.refobjsubid"
           " JOIN pg_catalog.pg_depend u ON u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND u.refobjid = "
           "s.oid AND u.deptype = 'n'"
           " WHERE kept.source IS NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_attrdef f WHERE u.classid = "
           "'pg_catalog.pg_attrdef'::pg_catalog.regclass"
           "  AND f.oid = u.objid AND f.adrelid = $1::pg_catalog.oid AND f.adnum = d.refobjsubid)",
    PLACES ", " CHILDREN "SELECT 'foreign key ' || conname || ' of ' || conrelid::pg_catalog.regclass || ' points to a "
           "column that the ALTER drops. Drop the foreign key first.'"
           " FROM children WHERE children.new IS NULL",
    /* The new table takes its names along to the source's schema, from where the source takes its own away. */
    "WITH own AS (SELECT d.objid AS oid FROM pg_catalog.pg_depend d WHERE d.refclassid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid"
    "   AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND (d.deptype IN ('a', 'i'))"
    "  UNION SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = $1::pg_catalog.oid UNION SELECT "
    "$1::pg_catalog.oid),"
    " source AS (SELECT relnamespace, reltype, (SELECT typarray FROM pg_catalog.pg_type y WHERE y.oid = reltype) AS "
    "arraytype FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid)"
    " SELECT 'the new table would have ' || pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, "
    "g.oid, 0) || ', but schema '"
    "  || source.relnamespace::pg_catalog.regnamespace || ' has ' || "
    "pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, o.oid, 0) || ' already. Give it another "
    "name in the ALTER.'"
    " FROM source, pg_catalog.pg_class g JOIN pg_catalog.pg_class o ON o.relname = g.relname"
    " WHERE g.relnamespace = pg_catalog.quote_ident($3::pg_catalog.text)::pg_catalog.regnamespace AND o.relnamespace = "
    "source.relnamespace AND o.oid NOT IN (SELECT oid FROM own)"
    " UNION ALL SELECT 'the new table would have type ' || g.typname || ', but there is one of that name in schema ' "
    "|| source.relnamespace::pg_catalog.regnamespace || ' already. Rename that.'"
    " FROM source, pg_catalog.pg_class c JOIN pg_catalog.pg_type y ON y.oid = c.reltype JOIN pg_catalog.pg_type g ON "
    "g.oid IN (y.oid, y.typarray)"
    "  JOIN pg_catalog.pg_type o ON o.typname = g.typname"
    " WHERE c.oid = $2::pg_catalog.oid AND o.typnamespace = source.relnamespace AND o.oid NOT IN (source.reltype, "
    "source.arraytype)",
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

static enum sc_result ask(struct target *t, const char *sql, PGresult **res, struct sc_error *err)
{
    char source[16], clone[16];
    snprintf(source, sizeof(source), "%u", t->source.oid);
    snprintf(clone, sizeof(clone), "%u", t->ghost_oid);
    /* Every parameter has to be used, so that the server knows its type. */
    char *text = mem_printf("SELECT * FROM (%s) AS rows WHERE $1::pg_catalog.oid IS NOT NULL AND $2::pg_catalog.oid IS "
                            "NOT NULL AND $3::pg_catalog.text IS NOT NULL AND $4::pg_catalog.text IS NOT NULL",
                            sql);
    enum sc_result result =
        pg_query(t->control, err, res, text, 4, (const char *[]){source, clone, t->ghost_schema, t->old_schema});
    mem_free(text);
    return result;
}

static enum sc_result refuse_rows(struct target *t, const char *sql, struct plan *plan, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = ask(t, sql, &res, err);
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++)
        strlist_add(&plan->refusals, PQgetvalue(res, i, 0));
    PQclear(res);
    return result;
}

static enum sc_result carry_rows(struct target *t, const char *sql, struct sc_error *err)
{
    if (PLANTED(D8_NUMBERS_NOT_CARRIED) && strstr(sql, "setval"))
        return SC_OK;
    PGresult *res = NULL;
    enum sc_result result = ask(t, sql, &res, err);
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++)
        pg_todo_add(t, (enum pg_stage)(PQgetvalue(res, i, 0)[0] - '0'), PQgetvalue(res, i, 1), PQgetvalue(res, i, 2));
    PQclear(res);
    return result;
}

/* --- trying
 * -------------------------------------------------------------------------------------------------------------- */

/* Runs a statement whose failure is an answer: a reason to refuse. */
static enum sc_result try(struct target *t, const char *sql, const char *what, const char *advice, bool *fits,
                          struct plan *plan, struct sc_error *err)
{
    enum sc_result result = pg_run(t->control, err, "SAVEPOINT seachange_try");
    if (result != SC_OK)
        return result;
    result = pg_run(t->control, err, sql);
    *fits = result == SC_OK;
    if (result == SC_OK)
        return pg_run(t->control, err, "RELEASE SAVEPOINT seachange_try");
    if (result != SC_FAIL)
        return result;
    strlist_addf(&plan->refusals, "%s does not fit the altered table: %s. %s", what, err->what, advice);
    error_init(err);
    return pg_run(t->control, err, "ROLLBACK TO SAVEPOINT seachange_try; RELEASE SAVEPOINT seachange_try");
}

/* Rows (what, a twin of the other table's columns, the twin's foreign key to the clone, the end of the twin). */
static const char try_children_sql[] =
    PLACES ", " CHILDREN "SELECT 'foreign key ' || conname || ' of ' || conrelid::pg_catalog.regclass,"
           " pg_catalog.format('CREATE TABLE %I.%I (%s)', $3::pg_catalog.text, 'seachange child ' || children.oid,"
           "  (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' ' || "
           "pg_catalog.format_type(a.atttypid, a.atttypmod)"
           "   || COALESCE(' COLLATE ' || NULLIF(a.attcollation, y.typcollation)::pg_catalog.regcollation, ''), ', ' "
           "ORDER BY a.attnum)"
           "   FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid WHERE a.attrelid = "
           "conrelid AND a.attnum = ANY (conkey))),"
           " pg_catalog.format('ALTER TABLE %I.%I ADD %s', $3::pg_catalog.text, 'seachange child ' || children.oid,"
           "  pg_catalog.replace(def, children.old, pg_catalog.format(' REFERENCES %I.%I(%s)', $3::pg_catalog.text, "
           "source.relname, children.new))),"
           " pg_catalog.format('DROP TABLE %I.%I', $3::pg_catalog.text, 'seachange child ' || children.oid)"
           " FROM source, children WHERE children.new IS NOT NULL";

static enum sc_result try_children(struct target *t, struct plan *plan, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = ask(t, try_children_sql, &res, err);
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++) {
        bool fits = false;
        result = pg_run(t->control, err, PQgetvalue(res, i, 1));
        if (result == SC_OK)
            result =
                try(t, PQgetvalue(res, i, 2), PQgetvalue(res, i, 0), "Drop the foreign key first.", &fits, plan, err);
        if (result == SC_OK)
            result = pg_run(t->control, err, PQgetvalue(res, i, 3));
    }
    PQclear(res);
    return result;
}

/* Rows (what, OID, a twin of the view; its definition is written so that the source's name means the clone). */
static const char try_views_sql[] =
    "SELECT DISTINCT 'view ' || v.relnamespace::pg_catalog.regnamespace || '.' || pg_catalog.quote_ident(v.relname), "
    "v.oid, pg_catalog.format('CREATE VIEW %I.%I AS %s', "
    "$3::pg_catalog.text, 'seachange view ' || v.oid, pg_catalog.pg_get_viewdef(v.oid))"
    " FROM " READERS;

/* CREATE OR REPLACE VIEW takes no other columns (manual, CREATE VIEW). */
static const char compare_views_sql[] =
    "SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.oid AND "
    "a.attnum > 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute b"
    " JOIN pg_catalog.pg_class w ON w.oid = b.attrelid WHERE w.relname = 'seachange view ' || $1::pg_catalog.oid AND "
    "w.relnamespace = pg_catalog.quote_ident($2)::pg_catalog.regnamespace"
    " AND b.attnum = a.attnum AND b.attname = a.attname AND b.atttypid = a.atttypid AND b.atttypmod = a.atttypmod AND "
    "b.attcollation = a.attcollation) ORDER BY a.attnum LIMIT 1";

static enum sc_result try_view(struct target *t, const char *what, const char *oid, const char *twin, struct plan *plan,
                               struct sc_error *err)
{
    static const char advice[] = "Drop the view, migrate, and create it again.";
    bool fits = false;
    char *other = NULL;
    enum sc_result result = try(t, twin, what, advice, &fits, plan, err);
    if (result != SC_OK || !fits)
        return result;
    result = pg_value(t->control, err, &other, compare_views_sql, 2, (const char *[]){oid, t->ghost_schema});
    if (result == SC_OK && other)
        strlist_addf(&plan->refusals, "%s would get another type in its column %s. %s", what, other, advice);
    mem_free(other);
    if (result == SC_OK)
        result = pg_runf(t->control, err, "DROP VIEW %s.\"seachange view %s\"", t->ghost_schema, oid);
    return result;
}

static enum sc_result try_views(struct target *t, struct plan *plan, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_set_path(t->control, t->source.schema, NULL, err);
    if (result == SC_OK)
        result = ask(t, try_views_sql, &res, err);
    if (result == SC_OK)
        result = pg_set_path(t->control, t->ghost_schema, t->source.schema, err);
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++)
        result = try_view(t, PQgetvalue(res, i, 0), PQgetvalue(res, i, 1), PQgetvalue(res, i, 2), plan, err);
    PQclear(res);
    if (result == SC_OK)
        result = pg_set_path(t->control, "", NULL, err);
    return result;
}

enum sc_result pg_carry(struct target *t, struct plan *plan, struct sc_error *err)
{
    bool columns = t->server.version >= 150000;
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(refuse_sql) / sizeof(refuse_sql[0]) && result == SC_OK; i++)
        result = refuse_rows(t, refuse_sql[i], plan, err);
    if (result == SC_OK && columns)
        result = refuse_rows(t, refuse_publication_sql_15, plan, err);
    if (result == SC_OK)
        result = try_children(t, plan, err);
    if (result == SC_OK)
        result = try_views(t, plan, err);
    for (size_t i = 0; i < sizeof(carry_sql) / sizeof(carry_sql[0]) && result == SC_OK; i++)
        result = carry_rows(t, carry_sql[i], err);
    if (result == SC_OK)
        result = carry_rows(t, columns ? publications_sql_15 : publications_sql_14, err);
    if (result != SC_OK)
        error_wrap(err, "cannot carry over what is bound to the table");
    return result;
}
