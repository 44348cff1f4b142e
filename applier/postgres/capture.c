/* What the altered clone has and the ghost does not need while it is filled is read from the catalog, written down as
 * the statements that put it back, and taken off: indexes and the constraints on them (built after the copy), foreign
 * keys and constraints that do not hold for every row (in the swap), triggers and row security (must not act on the
 * copy), identity GENERATED ALWAYS (would not take the source's values). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/ghost.h"

void pg_todo_add(struct target *t, enum pg_stage stage, const char *name, const char *sql)
{
    if (t->ntodo % 16 == 0) {
        struct pg_todo *grown = arena_array(&t->arena, (size_t)t->ntodo + 16, sizeof(*grown));
        if (t->ntodo)
            memcpy(grown, t->todo, (size_t)t->ntodo * sizeof(*grown));
        t->todo = grown;
    }
    t->todo[t->ntodo] = (struct pg_todo){
        .number = t->ntodo, .stage = stage, .name = arena_strdup(&t->arena, name), .sql = arena_strdup(&t->arena, sql)};
    t->ntodo++;
}

/* Each query yields rows (stage, name, statement that puts it back, statement that takes it off); either statement may
 * be NULL. $1 is the clone's OID, $2 its schema. Only the clone's schema is in the path: the clone stands there without
 * a schema, everything else with one. */
/* Stages as SQL sees them. */
#define S_KEY "0"
#define S_INDEX "1"
#define S_AFTER "2"
#define S_SWAP "4"
#define S_POST "5"
_Static_assert(STAGE_KEY == 0 && STAGE_INDEX == 1 && STAGE_AFTER == 2 && STAGE_SWAP_BEFORE == 3 && STAGE_SWAP == 4 &&
                   STAGE_POST == 5,
               "the queries below number the stages");

/* The parent of a foreign key that the source had is a stand-in (clone.c), whose name tells which table is meant. */
static const char foreign_keys[] =
    "WITH f AS (SELECT k.conname, c.relname, k.convalidated, pg_catalog.obj_description(k.oid, 'pg_constraint') AS "
    "comment,"
    "   pg_catalog.regexp_replace(CASE WHEN p.relnamespace = c.relnamespace AND p.relname ~ '^seachange parent [0-9]+ "
    "[0-9]+$' THEN"
    "    pg_catalog.replace(pg_catalog.pg_get_constraintdef(k.oid), ' REFERENCES ' || k.confrelid::pg_catalog.regclass "
    "|| '(',"
    "     ' REFERENCES ' || pg_catalog.split_part(p.relname, ' ', 3)::pg_catalog.oid::pg_catalog.regclass || '(')"
    "    ELSE pg_catalog.pg_get_constraintdef(k.oid) END, ' NOT VALID$', '') AS def"
    "  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_class p ON "
    "p.oid = k.confrelid"
    "  WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'f' AND k.conparentid = 0)"
    " SELECT " S_SWAP
    ", 'foreign key ' || conname, pg_catalog.format('ALTER TABLE %I ADD CONSTRAINT %I %s%s', relname, conname, def,"
    "   CASE WHEN def !~ ' NOT ENFORCED$' THEN ' NOT VALID' END),"
    "  pg_catalog.format('ALTER TABLE %I DROP CONSTRAINT %I', relname, conname)"
    "  FROM f"
    " UNION ALL SELECT " S_SWAP ", 'comment on ' || conname, pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I IS %L', "
    "conname, relname, comment), NULL"
    "  FROM f WHERE comment IS NOT NULL"
    " UNION ALL SELECT " S_POST ", 'validate foreign key ' || conname, pg_catalog.format('ALTER TABLE %I VALIDATE "
    "CONSTRAINT %I', relname, conname), NULL"
    "  FROM f WHERE convalidated"
    " ORDER BY 1";

static const char *const captures[] = {
    foreign_keys,
    /* Constraints that need not hold for rows that are there (NOT VALID, NOT ENFORCED). */
    "SELECT " S_SWAP ", 'constraint ' || k.conname, pg_catalog.format('ALTER TABLE %I ADD CONSTRAINT %I %s', "
    "c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid)),"
    "  pg_catalog.format('ALTER TABLE %I DROP CONSTRAINT %I', c.relname, k.conname)"
    " FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
    " WHERE k.conrelid = $1::pg_catalog.oid AND k.contype IN ('c', 'n') AND NOT k.convalidated"
    " UNION ALL SELECT " S_SWAP
    ", 'comment on ' || k.conname, pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I IS %L', k.conname, c.relname,"
    "  pg_catalog.obj_description(k.oid, 'pg_constraint')), NULL"
    " FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
    " WHERE k.conrelid = $1::pg_catalog.oid AND k.contype IN ('c', 'n') AND NOT k.convalidated"
    "  AND pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL",
    /* Indexes. Those of exclusion constraints, and of deferrable ones, come with the constraint: until the constraint
     * is there, a unique index would not wait for the end of a transaction. $3 are the ghost's key columns, sorted. */
    "SELECT CASE WHEN i.indexrelid = (SELECT j.indexrelid FROM pg_catalog.pg_index j WHERE j.indrelid = i.indrelid "
    "AND j.indisunique AND NOT j.indisexclusion AND j.indimmediate"
    "   AND j.indpred IS NULL AND j.indexprs IS NULL AND (SELECT pg_catalog.array_agg(a::pg_catalog.int4 ORDER BY a)"
    "    FROM pg_catalog.unnest(j.indkey) WITH ORDINALITY u(a, ord) WHERE u.ord <= j.indnkeyatts) = "
    "$3::pg_catalog.int4[]"
    "   ORDER BY j.indisprimary DESC, j.indexrelid LIMIT 1) THEN " S_KEY " ELSE " S_INDEX " END,"
    "  'index ' || x.relname,"
    "  CASE WHEN s.spcname IS NOT NULL THEN pg_catalog.format('SET LOCAL default_tablespace = %I; ', s.spcname) ELSE "
    "'' END"
    "  || CASE WHEN k.contype = 'x' OR (k.contype IN ('p', 'u') AND (i.indisexclusion OR k.condeferrable))"
    "   THEN pg_catalog.format('ALTER TABLE %I ADD CONSTRAINT %I %s', c.relname, k.conname, "
    "pg_catalog.pg_get_constraintdef(k.oid))"
    "   ELSE pg_catalog.pg_get_indexdef(i.indexrelid, 0, true) END,"
    "  CASE WHEN k.oid IS NOT NULL THEN pg_catalog.format('ALTER TABLE %I DROP CONSTRAINT %I', c.relname, k.conname)"
    "   ELSE pg_catalog.format('DROP INDEX %I.%I', $2::pg_catalog.text, x.relname) END"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_class x ON x.oid "
    "= i.indexrelid"
    " LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = x.reltablespace"
    " LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN "
    "('p', 'u', 'x')"
    " WHERE i.indrelid = $1::pg_catalog.oid ORDER BY 1, i.indexrelid",
    "SELECT " S_AFTER ", CASE k.contype WHEN 'p' THEN 'primary key ' ELSE 'unique constraint ' END || k.conname,"
    "  pg_catalog.format('ALTER TABLE %I ADD CONSTRAINT %I %s USING INDEX %I', c.relname, k.conname,"
    "   CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, x.relname), NULL"
    " FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_class x ON "
    "x.oid = k.conindid"
    " WHERE k.conrelid = $1::pg_catalog.oid AND k.contype IN ('p', 'u') AND NOT k.condeferrable AND NOT (SELECT "
    "indisexclusion FROM "
    "pg_catalog.pg_index WHERE indexrelid = k.conindid) ORDER BY k.oid",
    /* A constraint's definition does not tell of its index's options. */
    "SELECT " S_AFTER ", 'options of ' || x.relname, pg_catalog.format('ALTER INDEX %I.%I SET (%s)', "
    "$2::pg_catalog.text, x.relname, pg_catalog.array_to_string(x.reloptions, ', ')), NULL"
    " FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class x ON x.oid = k.conindid WHERE k.conrelid = "
    "$1::pg_catalog.oid AND k.contype IN ('p', 'u', 'x') AND x.reloptions IS NOT NULL"
    "  AND (k.condeferrable OR (SELECT indisexclusion FROM pg_catalog.pg_index WHERE indexrelid = k.conindid))",
    "SELECT " S_AFTER ", 'comment on ' || x.relname, pg_catalog.format('COMMENT ON INDEX %I.%I IS %L', "
    "$2::pg_catalog.text, x.relname, pg_catalog.obj_description(x.oid, 'pg_class')), NULL"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = "
    "$1::pg_catalog.oid"
    "  AND pg_catalog.obj_description(x.oid, 'pg_class') IS NOT NULL"
    " UNION ALL SELECT " S_AFTER
    ", 'comment on ' || k.conname, pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I IS %L', k.conname, c.relname,"
    "  pg_catalog.obj_description(k.oid, 'pg_constraint')), NULL"
    " FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid WHERE k.conrelid = "
    "$1::pg_catalog.oid AND k.contype IN ('p', 'u', 'x')"
    "  AND pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL"
    " UNION ALL SELECT " S_AFTER ", 'statistics target of ' || x.relname, pg_catalog.format('ALTER INDEX %I.%I ALTER "
    "COLUMN %s SET STATISTICS %s', $2::pg_catalog.text, x.relname,"
    "  a.attnum, a.attstattarget), NULL FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = x.oid AND a.attnum > 0 AND a.attstattarget >= 0 WHERE i.indrelid "
    "= $1::pg_catalog.oid"
    " UNION ALL SELECT " S_AFTER
    ", 'cluster mark', pg_catalog.format('ALTER TABLE %I CLUSTER ON %I', c.relname, x.relname), NULL"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_class c ON "
    "c.oid = i.indrelid"
    " WHERE i.indrelid = $1::pg_catalog.oid AND i.indisclustered"
    " UNION ALL SELECT " S_AFTER ", 'replica identity', pg_catalog.format('ALTER TABLE %I REPLICA IDENTITY USING "
    "INDEX %I', c.relname, x.relname), NULL"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_class c ON "
    "c.oid = i.indrelid"
    " WHERE i.indrelid = $1::pg_catalog.oid AND i.indisreplident",
    /* Triggers are all disabled; in the swap each gets its state back. */
    "SELECT " S_SWAP ", 'trigger ' || g.tgname, pg_catalog.format('ALTER TABLE %I ENABLE %sTRIGGER %I', c.relname,"
    "  CASE g.tgenabled WHEN 'R' THEN 'REPLICA ' WHEN 'A' THEN 'ALWAYS ' ELSE '' END, g.tgname),"
    "  pg_catalog.format('ALTER TABLE %I DISABLE TRIGGER %I', c.relname, g.tgname)"
    " FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid WHERE g.tgrelid = "
    "$1::pg_catalog.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'",
    "SELECT " S_SWAP ", 'row security', pg_catalog.format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', relname), "
    "pg_catalog.format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', relname)"
    " FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid AND relrowsecurity"
    " UNION ALL SELECT " S_SWAP
    ", 'row security of the owner', pg_catalog.format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', relname),"
    "  pg_catalog.format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', relname) FROM pg_catalog.pg_class WHERE oid = "
    "$1::pg_catalog.oid AND relforcerowsecurity",
    "SELECT " S_SWAP ", 'identity of ' || a.attname, pg_catalog.format('ALTER TABLE %I ALTER COLUMN %I SET GENERATED "
    "ALWAYS', c.relname, a.attname),"
    "  pg_catalog.format('ALTER TABLE %I ALTER COLUMN %I SET GENERATED BY DEFAULT', c.relname, a.attname)"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.attrelid = "
    "$1::pg_catalog.oid AND a.attidentity = 'a' AND NOT a.attisdropped",
    /* The stand-ins of foreign keys' parents. */
    "SELECT NULL, NULL, NULL, pg_catalog.format('DROP TABLE %I.%I', $2::pg_catalog.text, relname) FROM "
    "pg_catalog.pg_class"
    " WHERE relnamespace = pg_catalog.quote_ident($2::pg_catalog.text)::pg_catalog.regnamespace AND relkind = 'r' AND "
    "relname ~ '^seachange parent [0-9]+ [0-9]+$'",
};

static enum sc_result take(struct target *t, const char *query, const char *oid, const char *third, struct strlist *off,
                           bool *key, struct sc_error *err)
{
    /* Each parameter has to be used for the server to know its type. */
    char *sql = mem_printf("SELECT * FROM (%s) AS captured(stage, name, put_back, take_off) WHERE $1::pg_catalog.oid "
                           "IS NOT NULL AND $2::pg_catalog.text IS NOT NULL%s",
                           query, strstr(query, "$3") ? "" : " AND $3::pg_catalog.text IS NOT NULL");
    PGresult *res = NULL;
    enum sc_result result = pg_query(t->control, err, &res, sql, 3, (const char *[]){oid, t->ghost_schema, third});
    mem_free(sql);
    if (result != SC_OK)
        return error_wrap(err, "cannot read the altered clone");
    for (int i = 0; i < PQntuples(res); i++) {
        if (!PQgetisnull(res, i, 2)) {
            enum pg_stage stage = (enum pg_stage)strtol(PQgetvalue(res, i, 0), NULL, 10);
            *key |= stage == STAGE_KEY;
            pg_todo_add(t, stage, PQgetvalue(res, i, 1), PQgetvalue(res, i, 2));
        }
        if (!PQgetisnull(res, i, 3))
            strlist_add(off, PQgetvalue(res, i, 3));
    }
    PQclear(res);
    return SC_OK;
}

/* The ghost's key columns by number, sorted, as an array literal. */
static enum sc_result key_attnums(struct target *t, const char *oid, char **out, struct sc_error *err)
{
    struct buf names = {0};
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(&names, k ? ", " : "");
        pg_add_literal(&names, t->map.columns[t->map.key[k]].ghost_column);
    }
    struct buf sql = {0};
    buf_printf(&sql,
               "SELECT pg_catalog.array_agg(attnum::pg_catalog.int4 ORDER BY attnum) FROM pg_catalog.pg_attribute"
               " WHERE attrelid = $1::pg_catalog.oid AND attname IN (%s)",
               buf_cstr(&names));
    enum sc_result result = pg_value(t->control, err, out, buf_cstr(&sql), 1, &oid);
    buf_fini(&names);
    buf_fini(&sql);
    return result;
}

/* The key's index of our own, for as long as the migration lasts, where the new table has none on these columns. */
static void own_key_index(struct target *t)
{
    struct buf sql = {0};
    char *name = mem_printf("seachange_key_%s", t->migration.id);
    buf_str(&sql, "CREATE UNIQUE INDEX ");
    pg_add_ident(&sql, name);
    buf_str(&sql, " ON ");
    pg_add_ident(&sql, t->source.name);
    buf_str(&sql, " (");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(&sql, k ? ", " : "");
        pg_add_ident(&sql, t->map.columns[t->map.key[k]].ghost_column);
    }
    buf_str(&sql, ")");
    pg_todo_add(t, STAGE_KEY, "index by which changes find their rows", buf_cstr(&sql));
    buf_clear(&sql);
    buf_str(&sql, "DROP INDEX ");
    pg_add_qualified(&sql, t->source.schema, name);
    pg_todo_add(t, STAGE_SWAP, "index by which changes found their rows", buf_cstr(&sql));
    buf_fini(&sql);
    mem_free(name);
}

enum sc_result pg_capture(struct target *t, struct plan *plan, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
    struct strlist off = {0};
    bool key = false;
    char *attnums = NULL;
    enum sc_result result = pg_set_path(t->control, t->ghost_schema, NULL, err);
    if (result == SC_OK)
        result = key_attnums(t, oid, &attnums, err);
    for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]) && result == SC_OK; i++) {
        result = take(t, captures[i], oid, attnums, &off, &key, err);
    }
    mem_free(attnums);
    if (result == SC_OK && !key)
        own_key_index(t);
    if (result == SC_OK) {
        struct buf sql = {0};
        buf_str(&sql, "ANALYZE ");
        pg_add_qualified(&sql, t->ghost_schema, t->source.name);
        pg_todo_add(t, STAGE_AFTER, "statistics for the planner", buf_cstr(&sql));
        buf_fini(&sql);
        result = pg_orphan_checks(t, plan, err); /* with statistics */
    }
    for (size_t i = 0; i < off.count && result == SC_OK; i++) {
        result = pg_run(t->control, err, off.items[i]);
        if (result != SC_OK)
            error_wrap(err, "cannot make the ghost ready to be filled");
    }
    strlist_fini(&off);
    return result;
}
