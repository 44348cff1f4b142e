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
    "    WHEN v.relpersistence = 't' THEN 'refused: a temporary view of some session; end that session'"
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
