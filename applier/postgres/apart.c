/* May a key column change its type? Rows are found in the ghost by their key: two source rows whose keys became equal
 * there would be taken for one, and the second would be lost without a word. So a key column only gets a type in which
 * what was different stays different. What is not known here to be so is refused. */
#include <stdio.h>

#include "applier/postgres/ghost.h"

/* $1, $2: the column of the source; $3, $4: of the clone. Domains count as what they are made of. A type modifier that
 * takes digits or characters away, and a collation that calls different texts equal, would bring keys together; so
 * would a cast that rounds, or that leaves gaps like the hour that a clock is put forward. */
static const char apart_sql[] =
    "WITH RECURSIVE c AS ("
    " SELECT 's' AS side, atttypid AS typid, atttypmod AS typmod, attcollation AS collid FROM pg_catalog.pg_attribute "
    "WHERE attrelid = $1::pg_catalog.oid AND attnum = $2::pg_catalog.int2"
    " UNION ALL SELECT 'g', atttypid, atttypmod, attcollation FROM pg_catalog.pg_attribute WHERE attrelid = "
    "$3::pg_catalog.oid AND attnum = $4::pg_catalog.int2"
    " UNION ALL SELECT side, t.typbasetype, t.typtypmod, collid FROM c JOIN pg_catalog.pg_type t ON t.oid = typid "
    "WHERE t.typtype = 'd'),"
    " base AS (SELECT c.*, t.typtype, ((typmod - 4) & 2047 # 1024) - 1024 AS scale FROM c JOIN pg_catalog.pg_type t ON "
    "t.oid = typid AND t.typtype <> 'd'),"
    /* From, to, any length or only an unlimited one: integers, real, oid, name, uuid, date, boolean, text and its kin.
     */
    " exact(f, g) AS (VALUES (21, 23), (21, 20), (21, 1700), (23, 20), (23, 1700), (20, 1700), (26, 20), (700, 701), "
    "(21, 700), (21, 701), (23, 701), (1082, 1114),"
    "  (16, 25), (19, 25), (20, 25), (21, 25), (23, 25), (26, 25), (1042, 25), (1043, 25), (1082, 25), (1700, 25), "
    "(2950, 25),"
    "  (16, 1043), (19, 1043), (20, 1043), (21, 1043), (23, 1043), (25, 1043), (26, 1043), (1042, 1043), (1082, 1043), "
    "(1700, 1043), (2950, 1043))"
    " SELECT 1 FROM base s, base g WHERE s.side = 's' AND g.side = 'g'"
    "  AND (g.collid = 0 OR g.collid = s.collid OR (SELECT collisdeterministic FROM pg_catalog.pg_collation WHERE oid "
    "= g.collid))"
    "  AND (s.typid = g.typid AND (g.typmod = s.typmod OR g.typmod = -1"
    "    OR (s.typmod <> -1 AND s.typid IN (1042, 1043, 1562, 1083, 1114, 1184, 1266) AND g.typmod >= s.typmod)"
    "    OR (s.typmod <> -1 AND s.typid = 1700 AND g.scale >= s.scale))"
    "   OR g.typmod = -1 AND ((s.typid, g.typid) IN (SELECT f::pg_catalog.oid, g::pg_catalog.oid FROM exact) OR "
    "s.typtype = 'e' AND g.typid IN (25, 1043))"
    "   OR s.typid IN (20, 21, 23) AND g.typid = 1700 AND g.scale >= 0)";

enum sc_result pg_keys_stay_apart(struct target *t, int source_column, int clone_attnum, bool *apart,
                                  struct sc_error *err)
{
    char source[16], attnum[16], clone[16], clone_column[16], *yes = NULL;
    snprintf(source, sizeof(source), "%u", t->source.oid);
    snprintf(attnum, sizeof(attnum), "%d", t->source.columns[source_column].attnum);
    snprintf(clone, sizeof(clone), "%u", t->ghost_oid);
    snprintf(clone_column, sizeof(clone_column), "%d", clone_attnum);
    enum sc_result result =
        pg_value(t->control, err, &yes, apart_sql, 4, (const char *[]){source, attnum, clone, clone_column});
    *apart = yes != NULL;
    mem_free(yes);
    return result;
}
