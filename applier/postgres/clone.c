/* The clone: an empty twin of the source, on which the operator's ALTER is tried and from which the ghost is made.
 *
 * It lives in a schema of its own and has the source's name, and so have its indexes, constraints and sequences: an
 * ALTER that names them means what it would mean on the source. Definitions are not edited as text. They are written by
 * the server with only the source's schema in the search path, so that the table stands there without a schema, and run
 * with the clone's schema first in it: the same words then mean the clone, and everything else what it meant before. */
#include <stdio.h>
#include <string.h>

#include "applier/postgres/ghost.h"

enum sc_result pg_set_path(struct pg_conn *conn, const char *first, const char *second, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SET LOCAL search_path = ");
    pg_add_ident(&sql, first);
    if (second) {
        buf_str(&sql, ", ");
        pg_add_ident(&sql, second);
    }
    if (!first[0]) {
        buf_clear(&sql);
        buf_str(&sql, "SET LOCAL search_path = ''");
    }
    enum sc_result result = pg_run(conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

enum sc_result pg_run_each(struct pg_conn *conn, const PGresult *statements, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (int i = 0; i < PQntuples(statements) && result == SC_OK; i++)
        result = pg_run(conn, err, PQgetvalue(statements, i, 0));
    return result;
}

/* Each query yields statements that are run one after the other. $1 is the source's OID, $2 the clone's schema. Queries
 * run with the source's schema in the path, their statements with the clone's before it. In a format(), %1$I-like names
 * are the table's. */
struct step {
    const char *what;
    const char *sql;
    int from_version;
};

/* The source's identity sequences and the clone's. */
#define IDENTITIES                                                                                                     \
    "WITH i AS (SELECT s.relname AS name, n.nspname AS schema, g.relname AS clone_name, q.*, "                         \
    "pg_catalog.obj_description(s.oid, 'pg_class') AS comment"                                                         \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' AND "    \
    "NOT a.attisdropped"                                                                                               \
    " JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = "      \
    "c.oid AND d.refobjsubid = a.attnum"                                                                               \
    "  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i'"                                 \
    " JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_catalog.pg_namespace n ON n.oid = "    \
    "s.relnamespace"                                                                                                   \
    " JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid"                                                             \
    " JOIN pg_catalog.pg_class g ON g.oid = pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', "             \
    "$2::pg_catalog.text, c.relname), a.attname)::pg_catalog.regclass"                                                 \
    " WHERE c.oid = $1::pg_catalog.oid) "

static const struct step before_create[] = {
    {"schema",
     "SELECT pg_catalog.format('CREATE SCHEMA %I', $2::pg_catalog.text) FROM pg_catalog.pg_class c WHERE c.oid = "
     "$1::pg_catalog.oid"
     " UNION ALL SELECT pg_catalog.format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', $2::pg_catalog.text, "
     "pg_catalog.pg_get_userbyid(relowner))"
     " FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid AND pg_catalog.pg_get_userbyid(relowner) <> "
     "current_user",
     0},
    {"table",
     "SELECT pg_catalog.format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING "
     "IDENTITY INCLUDING STORAGE"
     " INCLUDING COMPRESSION INCLUDING COMMENTS)%s%s', $2::pg_catalog.text, c.relname, n.nspname, c.relname,"
     " ' WITH (' || NULLIF(pg_catalog.concat_ws(', ',"
     "  (SELECT pg_catalog.string_agg(pg_catalog.format('%I = %L', pg_catalog.split_part(o, '=', 1), "
     "pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ')"
     "   FROM pg_catalog.unnest(c.reloptions) o),"
     "  (SELECT pg_catalog.string_agg(pg_catalog.format('toast.%I = %L', pg_catalog.split_part(o, '=', 1), "
     "pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ')"
     "   FROM pg_catalog.pg_class toast, pg_catalog.unnest(toast.reloptions) o WHERE toast.oid = c.reltoastrelid)), "
     "'') || ')',"
     " (SELECT pg_catalog.format(' TABLESPACE %I', spcname) FROM pg_catalog.pg_tablespace s WHERE s.oid = "
     "c.reltablespace))"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "
     "$1::pg_catalog.oid",
     0},
    {"owner",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I OWNER TO %I', $2::pg_catalog.text, relname, "
     "pg_catalog.pg_get_userbyid(relowner))"
     " FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid AND pg_catalog.pg_get_userbyid(relowner) <> "
     "current_user",
     0},
    /* An identity column's sequence keeps its name too. LIKE gives it the source's limits, but always the type bigint.
     * It stands where the source's stands now, and has been called: one that the ALTER restarts has not. */
    {"identity sequence",
     IDENTITIES "SELECT pg_catalog.format('ALTER SEQUENCE %I.%I RENAME TO %I', $2::pg_catalog.text, clone_name, name) "
                "FROM i WHERE clone_name <> name",
     0},
    {"identity sequence",
     IDENTITIES "SELECT pg_catalog.format('ALTER SEQUENCE %I.%I AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s "
                "CACHE %s %s', $2::pg_catalog.text, name,"
                " seqtypid::pg_catalog.regtype, seqincrement, seqmin, seqmax, seqstart, seqcache, CASE WHEN seqcycle "
                "THEN 'CYCLE' ELSE 'NO CYCLE' END) FROM i"
                " UNION ALL SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, last_value) FROM %I.%I', "
                "pg_catalog.format('%I.%I', $2::pg_catalog.text, name), schema, name) FROM i"
                " UNION ALL SELECT pg_catalog.format('COMMENT ON SEQUENCE %I.%I IS %L', $2::pg_catalog.text, name, "
                "comment) FROM i WHERE comment IS NOT NULL",
     0},
    {"column options",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I ALTER COLUMN %I SET STATISTICS %s', $2::pg_catalog.text, c.relname, "
     "a.attname, a.attstattarget)"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
     "a.attisdropped"
     " WHERE c.oid = $1::pg_catalog.oid AND a.attstattarget >= 0"
     " UNION ALL SELECT pg_catalog.format('ALTER TABLE %I.%I ALTER COLUMN %I SET (%s)', $2::pg_catalog.text, "
     "c.relname, a.attname, pg_catalog.array_to_string(a.attoptions, ', '))"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
     "a.attisdropped"
     " WHERE c.oid = $1::pg_catalog.oid AND a.attoptions IS NOT NULL",
     0},
};

static const struct step after_create[] = {
    {"check constraint",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', $2::pg_catalog.text, c.relname, k.conname, "
     "pg_catalog.pg_get_constraintdef(k.oid))"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c'"
     " WHERE c.oid = $1::pg_catalog.oid ORDER BY k.conname",
     0},
    {"index",
     "SELECT CASE WHEN k.contype = 'x' OR (k.contype IS NOT NULL AND i.indisexclusion) THEN pg_catalog.format('ALTER "
     "TABLE %I.%I ADD CONSTRAINT %I %s', "
     "$2::pg_catalog.text, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid))"
     "  ELSE pg_catalog.pg_get_indexdef(i.indexrelid, 0, true) END"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid"
     " LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', "
     "'u', 'x')"
     " WHERE c.oid = $1::pg_catalog.oid ORDER BY i.indexrelid",
     0},
    {"index tablespace",
     "SELECT pg_catalog.format('ALTER INDEX %I.%I SET TABLESPACE %I', $2::pg_catalog.text, x.relname, s.spcname)"
     " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_tablespace s "
     "ON s.oid = x.reltablespace"
     " WHERE i.indrelid = $1::pg_catalog.oid",
     0},
    {"index column statistics",
     "SELECT pg_catalog.format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', $2::pg_catalog.text, x.relname, "
     "a.attnum, a.attstattarget)"
     " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
     " JOIN pg_catalog.pg_attribute a ON a.attrelid = x.oid AND a.attstattarget >= 0 AND a.attnum > 0 WHERE i.indrelid "
     "= $1::pg_catalog.oid",
     0},
    {"key constraint",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s USING INDEX %I%s%s', $2::pg_catalog.text, "
     "c.relname, k.conname,"
     "  CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, x.relname,"
     "  CASE WHEN k.condeferrable THEN ' DEFERRABLE' END, CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' END)"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u')"
     " JOIN pg_catalog.pg_class x ON x.oid = k.conindid JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND "
     "NOT i.indisexclusion"
     " WHERE c.oid = $1::pg_catalog.oid ORDER BY k.oid",
     0},
    {"cluster mark",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I CLUSTER ON %I', $2::pg_catalog.text, c.relname, x.relname) FROM "
     "pg_catalog.pg_class c"
     " JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisclustered JOIN pg_catalog.pg_class x ON x.oid = "
     "i.indexrelid"
     " WHERE c.oid = $1::pg_catalog.oid",
     0},
    {"replica identity",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I REPLICA IDENTITY %s', $2::pg_catalog.text, c.relname, CASE "
     "c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'"
     "  ELSE pg_catalog.format('USING INDEX %I', x.relname) END)"
     " FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisreplident"
     " LEFT JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE c.oid = $1::pg_catalog.oid AND c.relreplident <> "
     "'d'",
     0},
    {"extended statistics",
     "SELECT pg_catalog.format('CREATE STATISTICS %I.%I%s', $2::pg_catalog.text, s.stxname,"
     "  pg_catalog.substr(pg_catalog.pg_get_statisticsobjdef(s.oid), 1 + pg_catalog.length(pg_catalog.format('CREATE "
     "STATISTICS %I.%I', n.nspname, s.stxname))))"
     " FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE s.stxrelid = "
     "$1::pg_catalog.oid"
     " UNION ALL SELECT pg_catalog.format('ALTER STATISTICS %I.%I OWNER TO %I', $2::pg_catalog.text, s.stxname, "
     "pg_catalog.pg_get_userbyid(s.stxowner))"
     " FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = $1::pg_catalog.oid AND "
     "pg_catalog.pg_get_userbyid(s.stxowner) <> current_user"
     " UNION ALL SELECT pg_catalog.format('ALTER STATISTICS %I.%I SET STATISTICS %s', $2::pg_catalog.text, s.stxname, "
     "s.stxstattarget)"
     " FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = $1::pg_catalog.oid AND s.stxstattarget >= 0",
     0},
    {"trigger",
     "SELECT pg_catalog.pg_get_triggerdef(oid, true) FROM pg_catalog.pg_trigger WHERE tgrelid = $1::pg_catalog.oid AND "
     "NOT tgisinternal ORDER BY tgname",
     0},
    {"trigger state",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I %s TRIGGER %I', $2::pg_catalog.text, c.relname,"
     "  CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END, "
     "g.tgname)"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal AND "
     "g.tgenabled <> 'O'"
     " WHERE c.oid = $1::pg_catalog.oid",
     0},
    {"policy",
     "SELECT pg_catalog.format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s', p.polname, $2::pg_catalog.text, "
     "c.relname,"
     "  CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,"
     "  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE "
     "'ALL' END,"
     "  (SELECT pg_catalog.string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE "
     "pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r)) END, ', ') FROM pg_catalog.unnest(p.polroles) r))"
     "  || COALESCE(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')"
     "  || COALESCE(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid WHERE c.oid = $1::pg_catalog.oid",
     0},
    {"row security",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', $2::pg_catalog.text, relname) FROM "
     "pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid AND relrowsecurity"
     " UNION ALL SELECT pg_catalog.format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', $2::pg_catalog.text, relname) "
     "FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid AND relforcerowsecurity",
     0},
    {"comment",
     "SELECT pg_catalog.format('COMMENT ON TABLE %I.%I IS %L', $2::pg_catalog.text, c.relname, "
     "pg_catalog.obj_description(c.oid, 'pg_class'))"
     " FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.oid AND pg_catalog.obj_description(c.oid, 'pg_class') "
     "IS NOT NULL"
     " UNION ALL SELECT pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I.%I IS %L', k.conname, $2::pg_catalog.text, "
     "c.relname, pg_catalog.obj_description(k.oid, 'pg_constraint'))"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid WHERE c.oid = "
     "$1::pg_catalog.oid"
     "  AND k.contype NOT IN ('t', 'f') AND pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL"
     " UNION ALL SELECT pg_catalog.format('COMMENT ON INDEX %I.%I IS %L', $2::pg_catalog.text, x.relname, "
     "pg_catalog.obj_description(x.oid, 'pg_class'))"
     " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = "
     "$1::pg_catalog.oid"
     "  AND pg_catalog.obj_description(x.oid, 'pg_class') IS NOT NULL"
     " UNION ALL SELECT pg_catalog.format('COMMENT ON TRIGGER %I ON %I.%I IS %L', g.tgname, $2::pg_catalog.text, "
     "c.relname, pg_catalog.obj_description(g.oid, 'pg_trigger'))"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal WHERE c.oid "
     "= $1::pg_catalog.oid"
     "  AND pg_catalog.obj_description(g.oid, 'pg_trigger') IS NOT NULL"
     " UNION ALL SELECT pg_catalog.format('COMMENT ON POLICY %I ON %I.%I IS %L', p.polname, $2::pg_catalog.text, "
     "c.relname, pg_catalog.obj_description(p.oid, 'pg_policy'))"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid WHERE c.oid = $1::pg_catalog.oid"
     "  AND pg_catalog.obj_description(p.oid, 'pg_policy') IS NOT NULL"
     " UNION ALL SELECT pg_catalog.format('COMMENT ON STATISTICS %I.%I IS %L', $2::pg_catalog.text, s.stxname, "
     "pg_catalog.obj_description(s.oid, 'pg_statistic_ext'))"
     " FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = $1::pg_catalog.oid AND pg_catalog.obj_description(s.oid, "
     "'pg_statistic_ext') IS NOT NULL",
     0},
};

/* A foreign key on the clone would lock its parent against everybody until this transaction ends. It points to an empty
 * stand-in of the parent instead, whose name tells capture.c which table is meant. A key to the table itself points to
 * the clone. */
static const struct step foreign_keys[] = {
    {"stand-in",
     "SELECT pg_catalog.format('CREATE TABLE %I.%I (%s, UNIQUE (%s))', $2::pg_catalog.text, 'seachange parent ' || "
     "k.confrelid || ' ' || k.oid,"
     "  pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, "
     "a.atttypmod)"
     "   || COALESCE(' COLLATE ' || NULLIF(a.attcollation, y.typcollation)::pg_catalog.regcollation, ''), ', ' ORDER "
     "BY u.ord),"
     "  pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.ord))"
     " FROM pg_catalog.pg_constraint k CROSS JOIN LATERAL pg_catalog.unnest(k.confkey) WITH ORDINALITY u(n, ord)"
     " JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n JOIN pg_catalog.pg_type y ON "
     "y.oid = a.atttypid"
     " WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'f' AND k.confrelid <> k.conrelid AND k.conparentid = 0 "
     "GROUP BY k.oid, k.confrelid",
     0},
    {"foreign key",
     "SELECT pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', $2::pg_catalog.text, c.relname, k.conname,"
     "  CASE WHEN k.confrelid = k.conrelid THEN pg_catalog.pg_get_constraintdef(k.oid) ELSE"
     "   pg_catalog.replace(pg_catalog.pg_get_constraintdef(k.oid), ' REFERENCES ' || k.confrelid::pg_catalog.regclass "
     "|| '(',"
     "    pg_catalog.format(' REFERENCES %I.%I(', $2::pg_catalog.text, 'seachange parent ' || k.confrelid || ' ' || "
     "k.oid)) END)"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND "
     "k.conparentid = 0"
     " WHERE c.oid = $1::pg_catalog.oid ORDER BY k.conname",
     0},
    {"comment on a foreign key",
     "SELECT pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I.%I IS %L', k.conname, $2::pg_catalog.text, c.relname, "
     "pg_catalog.obj_description(k.oid, 'pg_constraint'))"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND "
     "k.conparentid = 0"
     " WHERE c.oid = $1::pg_catalog.oid AND pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL",
     0},
};

static enum sc_result run_steps(struct target *t, const struct step *steps, size_t count, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < count && result == SC_OK; i++) {
        if (t->server.version < steps[i].from_version)
            continue;
        PGresult *res = NULL;
        /* Both parameters have to be used for the server to know their types. */
        char *sql = mem_printf(
            "SELECT * FROM (%s) AS statements WHERE $1::pg_catalog.oid IS NOT NULL AND $2::pg_catalog.text IS NOT NULL",
            steps[i].sql);
        result = pg_set_path(t->control, t->source.schema, NULL, err);
        if (result == SC_OK)
            result = pg_query(t->control, err, &res, sql, 2, (const char *[]){oid, t->ghost_schema});
        mem_free(sql);
        if (result == SC_OK && PQntuples(res) > 0) {
            result = pg_set_path(t->control, t->ghost_schema, t->source.schema, err);
            if (result == SC_OK)
                result = pg_run_each(t->control, res, err);
        }
        PQclear(res);
        if (result != SC_OK)
            error_wrap(err, "cannot clone the table (%s)", steps[i].what);
    }
    return result;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum sc_result pg_clone_make(struct target *t, struct plan *plan, struct sc_error *err)
{
    /* The role's own defaults are not the source's. */
    enum sc_result result =
        pg_run(t->control, err, "SET LOCAL default_tablespace = ''; SET LOCAL default_table_access_method = heap");
    if (result == SC_OK)
        result = run_steps(t, before_create, COUNT(before_create), err);
    if (result == SC_OK)
        result = pg_clone_grants(t, plan, err);
    if (result == SC_OK)
        result = pg_runf(t->control, err, "COMMENT ON SCHEMA %s IS 'seachange migration %s'", t->ghost_schema,
                         t->migration.id);
    if (result == SC_OK)
        result = run_steps(t, after_create, COUNT(after_create), err);
    if (result == SC_OK)
        result = run_steps(t, foreign_keys, COUNT(foreign_keys), err);
    return result;
}
