/* Reading a table out of the catalog. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/target.h"

/* Types for which two values that the server calls equal have the same text. Not here: numeric (1.0 = 1.00), floating
 * point (-0 = 0), char(n) (padding), interval, jsonb, citext and whatever an extension brings. */
#define BYTEWISE_TYPES "16, 17, 18, 19, 20, 21, 23, 25, 26, 774, 829, 1043, 1082, 1083, 1114, 1184, 2950, 3220"

static const char columns_sql[] =
    "WITH RECURSIVE base AS ("
    " SELECT attnum, atttypid AS typid FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND attnum > 0 "
    "AND NOT attisdropped"
    " UNION ALL SELECT attnum, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = typid WHERE t.typtype = "
    "'d')"
    " SELECT a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.atttypid, a.atttypmod, "
    "a.attnotnull,"
    "  a.attidentity, a.attgenerated,"
    "  CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression,"
    "  (bt.oid IN (" BYTEWISE_TYPES ") OR bt.typtype = 'e')"
    "   AND COALESCE((SELECT collisdeterministic FROM pg_catalog.pg_collation c WHERE c.oid = a.attcollation), true) "
    "AS bytewise"
    " FROM pg_catalog.pg_attribute a"
    " JOIN base b ON b.attnum = a.attnum JOIN pg_catalog.pg_type bt ON bt.oid = b.typid AND bt.typtype <> 'd'"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

static const char table_sql[] =
    "SELECT n.nspname, c.relname, c.reltype, pg_catalog.pg_get_userbyid(c.relowner), c.relreplident,"
    " CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_catalog.pg_relation_size(c.oid) / 100 END::pg_catalog.int8,"
    " pg_catalog.pg_table_size(c.oid), pg_catalog.pg_indexes_size(c.oid)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "
    "$1::pg_catalog.oid";

static char first_char(const PGresult *res, int row, int column)
{
    return PQgetvalue(res, row, column)[0];
}

static void take_columns(struct pg_table *out, const PGresult *res)
{
    out->ncolumns = PQntuples(res);
    out->columns = arena_array(&out->arena, (size_t)out->ncolumns + 1, sizeof(*out->columns));
    for (int i = 0; i < out->ncolumns; i++) {
        struct pg_column *c = &out->columns[i];
        c->attnum = (int)strtol(PQgetvalue(res, i, 0), NULL, 10);
        c->name = arena_strdup(&out->arena, PQgetvalue(res, i, 1));
        c->type = arena_strdup(&out->arena, PQgetvalue(res, i, 2));
        c->type_oid = (Oid)strtoul(PQgetvalue(res, i, 3), NULL, 10);
        c->type_modifier = (int)strtol(PQgetvalue(res, i, 4), NULL, 10);
        c->not_null = first_char(res, i, 5) == 't';
        c->identity = first_char(res, i, 6);
        c->generated = first_char(res, i, 7);
        c->expression = PQgetisnull(res, i, 8) ? NULL : arena_strdup(&out->arena, PQgetvalue(res, i, 8));
        c->bytewise = first_char(res, i, 9) == 't';
    }
}

enum sc_result pg_table_load(struct pg_conn *conn, Oid oid, struct pg_table *out, struct sc_error *err)
{
    *out = (struct pg_table){.oid = oid};
    char text[16];
    snprintf(text, sizeof(text), "%u", oid);
    const char *params[] = {text};
    PGresult *res = NULL;
    enum sc_result result = pg_query(conn, err, &res, table_sql, 1, params);
    if (result != SC_OK)
        return result;
    if (PQntuples(res) != 1) {
        PQclear(res);
        return error_set(err, SC_FAIL, "the table with OID %u is gone", oid);
    }
    out->schema = arena_strdup(&out->arena, PQgetvalue(res, 0, 0));
    out->name = arena_strdup(&out->arena, PQgetvalue(res, 0, 1));
    out->row_type = (Oid)strtoul(PQgetvalue(res, 0, 2), NULL, 10);
    out->owner = arena_strdup(&out->arena, PQgetvalue(res, 0, 3));
    out->replica_identity = first_char(res, 0, 4);
    out->rows_estimated = strtoull(PQgetvalue(res, 0, 5), NULL, 10);
    out->heap_bytes = strtoull(PQgetvalue(res, 0, 6), NULL, 10);
    out->index_bytes = strtoull(PQgetvalue(res, 0, 7), NULL, 10);
    PQclear(res);
    result = pg_query(conn, err, &res, columns_sql, 1, params);
    if (result == SC_OK) {
        take_columns(out, res);
        PQclear(res);
    } else {
        pg_table_fini(out);
    }
    return result;
}

void pg_table_fini(struct pg_table *table)
{
    arena_fini(&table->arena);
    *table = (struct pg_table){0};
}

int pg_table_column(const struct pg_table *table, const char *name)
{
    for (int i = 0; i < table->ncolumns; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return i;
    return -1;
}

enum sc_result pg_key_load(struct target *t, Oid index, struct sc_error *err)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", index);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(t->control, err, &res,
                 "SELECT c.relname, k.attnum FROM pg_catalog.pg_index i"
                 " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
                 " CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY k(attnum, ord)"
                 " WHERE i.indexrelid = $1::pg_catalog.oid AND k.ord <= i.indnkeyatts ORDER BY k.ord",
                 1, (const char *[]){text});
    if (result != SC_OK)
        return result;
    t->key.index = index;
    t->key.count = PQntuples(res);
    t->key.columns = arena_array(&t->arena, (size_t)t->key.count + 1, sizeof(int));
    t->key_bytewise = true;
    for (int k = 0; k < t->key.count && result == SC_OK; k++) {
        int attnum = (int)strtol(PQgetvalue(res, k, 1), NULL, 10);
        t->key.index_name = arena_strdup(&t->arena, PQgetvalue(res, k, 0));
        t->key.columns[k] = -1;
        for (int i = 0; i < t->source.ncolumns; i++)
            if (t->source.columns[i].attnum == attnum)
                t->key.columns[k] = i;
        if (t->key.columns[k] < 0)
            result = error_set(err, SC_FAIL, "index %s is not on plain columns", t->key.index_name);
        else
            t->key_bytewise &= t->source.columns[t->key.columns[k]].bytewise;
    }
    PQclear(res);
    if (result == SC_OK && (t->key.count == 0 || t->key.count > MAX_KEY_COLUMNS))
        result = error_set(err, SC_FAIL, "the key index with OID %u is gone", index);
    if (result == SC_OK)
        pg_logged_columns(t);
    return result;
}

/* pgoutput sends the columns in attnum order, without generated ones (manual, 31.7: unless the publication says so,
 * from 18 on). */
void pg_logged_columns(struct target *t)
{
    t->nlogged = 0;
    t->logged = arena_array(&t->arena, (size_t)t->source.ncolumns + 1, sizeof(int));
    for (int i = 0; i < t->source.ncolumns; i++)
        if (!t->source.columns[i].generated)
            t->logged[t->nlogged++] = i;
    t->logged_key = arena_array(&t->arena, (size_t)t->key.count + 1, sizeof(uint16_t));
    for (int k = 0; k < t->key.count; k++)
        for (int i = 0; i < t->nlogged; i++)
            if (t->logged[i] == t->key.columns[k])
                t->logged_key[k] = (uint16_t)i;
}

/* Everything that a migration carries over or relies on, as text. Of our own publication also when its rows in the
 * catalog were written: one that was changed and changed back has let changes pass by in between. OIDs of indexes are
 * left out: REINDEX CONCURRENTLY changes nothing that matters. Sequences that a column owns are left out, too: the
 * cutover lets them go before it looks (carry.c), and looks for others itself. */
static const char fingerprint_sql[] =
    "SELECT pg_catalog.md5(pg_catalog.string_agg(line, E'\\n' ORDER BY line)) FROM ("
    " SELECT pg_catalog.concat_ws('|', 'table', n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, "
    "c.relrowsecurity,"
    "  c.relforcerowsecurity, c.relowner, c.reloptions, toast.reloptions, c.relacl, c.relhassubclass, "
    "c.relispartition, c.reltablespace, c.reloftype) AS line"
    "  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN "
    "pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid"
    "  WHERE c.oid = $1::pg_catalog.oid"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'column', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, "
    "a.attidentity,"
    "  a.attgenerated, a.attcollation, a.attacl, a.attoptions, a.attstorage, a.attcompression, "
    "pg_catalog.pg_get_expr(d.adbin, d.adrelid))"
    "  FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = "
    "a.attnum"
    "  WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'constraint', conrelid, conname, convalidated, "
    "pg_catalog.pg_get_constraintdef(oid),"
    "   pg_catalog.obj_description(oid, 'pg_constraint'))"
    "  FROM pg_catalog.pg_constraint WHERE conrelid = $1::pg_catalog.oid OR confrelid = $1::pg_catalog.oid"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'index', pg_catalog.pg_get_indexdef(indexrelid), indisvalid, "
    "indisclustered, indisreplident,"
    "   pg_catalog.obj_description(indexrelid, 'pg_class'))"
    "  FROM pg_catalog.pg_index WHERE indrelid = $1::pg_catalog.oid"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'trigger', pg_catalog.pg_get_triggerdef(oid), tgenabled, "
    "pg_catalog.obj_description(oid, 'pg_trigger'))"
    "  FROM pg_catalog.pg_trigger WHERE tgrelid = $1::pg_catalog.oid AND NOT tgisinternal"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'policy', polname, polcmd, polpermissive, polroles,"
    "  pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid), "
    "pg_catalog.obj_description(oid, 'pg_policy'))"
    "  FROM pg_catalog.pg_policy WHERE polrelid = $1::pg_catalog.oid"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'statistics', pg_catalog.pg_get_statisticsobjdef(oid), stxstattarget, "
    "pg_catalog.obj_description(oid, 'pg_statistic_ext'))"
    "  FROM pg_catalog.pg_statistic_ext WHERE stxrelid = $1::pg_catalog.oid"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'comment', classoid, objsubid, description)"
    "  FROM pg_catalog.pg_description WHERE objoid = $1::pg_catalog.oid AND classoid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'publication', p.pubname, CASE WHEN p.pubname ~ '^seachange_' THEN"
    "  pg_catalog.concat_ws('|', p.oid, p.xmin, r.oid, r.xmin) END) FROM pg_catalog.pg_publication_rel r"
    "  JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = $1::pg_catalog.oid"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'inherits', inhrelid, inhparent) FROM pg_catalog.pg_inherits"
    "  WHERE inhrelid = $1::pg_catalog.oid OR inhparent = $1::pg_catalog.oid"
    " UNION ALL SELECT DISTINCT pg_catalog.concat_ws('|', 'rule', r.ev_class, r.rulename, r.ev_enabled, "
    "pg_catalog.pg_get_ruledef(r.oid))"
    "  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid"
    "  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass"
    "  AND d.refobjid = $1::pg_catalog.oid"
    " UNION ALL SELECT pg_catalog.concat_ws('|', 'sequence', s.seqrelid, d.deptype, d.refobjsubid, s.seqtypid, "
    "s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle, c.relname, c.relacl,"
    "   pg_catalog.obj_description(c.oid, 'pg_class'))"
    "  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid JOIN pg_catalog.pg_class c ON "
    "c.oid = d.objid"
    "  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid AND d.deptype <> 'a'"
    " UNION ALL SELECT DISTINCT pg_catalog.concat_ws('|', 'dependent', d.classid, d.objid, d.deptype)"
    "  FROM pg_catalog.pg_depend d, pg_catalog.pg_class c JOIN pg_catalog.pg_type y ON y.oid = c.reltype"
    "  WHERE c.oid = $1::pg_catalog.oid AND d.refobjid IN (c.oid, c.reltype, y.typarray)"
    "   AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)"
    "   AND d.classid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass, "
    "'pg_catalog.pg_type'::pg_catalog.regclass,"
    "    'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_trigger'::pg_catalog.regclass)"
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.oid = d.objid AND g.tgisinternal)"
    ") AS lines";

enum sc_result pg_fingerprint(struct pg_conn *conn, Oid oid, char **out, struct sc_error *err)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", oid);
    /* Definitions are written with or without a schema depending on the path; sessions that evaluate the operator's
     * expressions have the operator's. */
    char *path = NULL, *was = NULL;
    *out = NULL;
    enum sc_result result = pg_value(conn, err, &path, "SELECT pg_catalog.current_setting('search_path')", 0, NULL);
    if (result == SC_OK)
        result = pg_run(conn, err, "SET search_path = ''");
    if (result == SC_OK)
        result = pg_value(conn, err, out, fingerprint_sql, 1, (const char *[]){text});
    if (result == SC_OK)
        result = pg_value(conn, err, &was, "SELECT pg_catalog.set_config('search_path', $1, false)", 1,
                          (const char *[]){path});
    mem_free(path);
    mem_free(was);
    if (result != SC_OK) {
        mem_free(*out);
        *out = NULL;
        error_wrap(err, "cannot read the definition of the table");
    }
    return result;
}
