/* The clone's privileges: those of the source and no others, on the table, its columns and its identity sequences.
 *
 * Who gave a privilege on matters: when somebody revokes his grant option, what he gave goes with it. A grant is made
 * in the name of who gave it where this role may act for that one, and after the grant that allowed it. */
#include <stdio.h>

#include "applier/postgres/ghost.h"
#include "base/plant.h"

/* The table and its identity sequences, with the clone's of the same names. $1 is the source's OID, $2 the clone's
 * schema. */
#define PAIRS                                                                                                          \
    "pairs AS (SELECT c.oid, c.relname AS name, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, "    \
    "c.relacl AS acl, g.relacl AS clone_acl, c.relowner AS owner,"                                                     \
    "  CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::pg_catalog.\"char\" AS code"                                     \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_class g ON g.relname = c.relname AND g.relnamespace = "            \
    "pg_catalog.quote_ident($2::pg_catalog.text)::pg_catalog.regnamespace"                                             \
    " WHERE c.oid = $1::pg_catalog.oid OR (c.relkind = 'S' AND EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE "      \
    "d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid"                                       \
    "  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid AND "         \
    "d.deptype = 'i'))) "

#define GRANTEE                                                                                                        \
    "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END"

/* Default privileges of the role or schema would add grants the source does not have, or take the owner's. */
static const char revoke_sql[] =
    "WITH " PAIRS
    "SELECT DISTINCT pg_catalog.format('REVOKE ALL ON %s %I.%I FROM %s', kind, $2::pg_catalog.text, name, " GRANTEE ")"
    " FROM pairs, pg_catalog.aclexplode(COALESCE(clone_acl, pg_catalog.acldefault(code, owner))) a WHERE clone_acl IS "
    "NOT NULL OR acl IS NOT NULL";

/* Rows (statement, note), in the catalog's order, but none before one that allows it. A superuser, and whoever has the
 * owner's rights, grants as the owner whatever role is set. From 16 on a member need not be allowed to SET ROLE. */
static const char grant_sql[] =
    "WITH RECURSIVE " PAIRS ", given AS ("
    " SELECT p.oid, p.name, p.kind, p.owner, NULL::pg_catalog.name AS attname, 0 AS attnum, a.* FROM pairs p, "
    "pg_catalog.aclexplode(COALESCE(p.acl, pg_catalog.acldefault(p.code, p.owner))) WITH ORDINALITY a (grantor, "
    "grantee, privilege, grantable, place)"
    "  WHERE p.clone_acl IS NOT NULL OR p.acl IS NOT NULL"
    " UNION ALL SELECT p.oid, p.name, p.kind, p.owner, t.attname, t.attnum, a.* FROM pairs p JOIN "
    "pg_catalog.pg_attribute t ON t.attrelid = p.oid AND t.attnum > 0 AND NOT t.attisdropped,"
    "  pg_catalog.aclexplode(t.attacl) WITH ORDINALITY a (grantor, grantee, privilege, grantable, place) WHERE p.kind "
    "= 'TABLE'),"
    " chain AS ("
    " SELECT g.*, g.place AS turn, 0 AS depth FROM given g WHERE g.grantor = g.owner"
    " UNION ALL SELECT g.*, CASE WHEN c.attnum = g.attnum THEN GREATEST(c.turn, g.place) ELSE g.place END, c.depth + 1"
    "  FROM chain c JOIN given g ON g.oid = c.oid AND g.privilege = c.privilege AND g.grantor = c.grantee AND "
    "(c.attname IS NULL OR c.attname = g.attname)"
    "  WHERE c.grantable AND g.grantor <> g.owner AND c.depth < 100),"
    " placed AS (SELECT DISTINCT ON (oid, attnum, place) oid, attnum, place, turn, depth FROM chain ORDER BY oid, "
    "attnum, place, turn, depth),"
    " a AS (SELECT g.*, p.turn, p.depth, pg_catalog.pg_get_userbyid(g.grantor) AS by, g.grantor = g.owner AS own,"
    "  p.turn IS NOT NULL AND pg_catalog.pg_has_role(session_user, g.grantor, CASE WHEN "
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
    "   AND NOT pg_catalog.pg_has_role(g.grantor, g.owner, 'USAGE') AS in_name FROM given g LEFT JOIN placed p USING "
    "(oid, attnum, place))"
    " SELECT pg_catalog.concat(CASE WHEN in_name AND NOT own THEN pg_catalog.format('GRANT USAGE ON SCHEMA %1$I TO "
    "%2$I; SET LOCAL ROLE %2$I; ', $2::pg_catalog.text, by) END,"
    "  pg_catalog.format('GRANT %s%s ON %s %I.%I TO %s%s', privilege, ' (' || pg_catalog.quote_ident(attname) || ')', "
    "kind, $2::pg_catalog.text, name, " GRANTEE ", CASE WHEN grantable THEN ' WITH GRANT OPTION' END),"
    "  CASE WHEN in_name AND NOT own THEN pg_catalog.format('; RESET ROLE; REVOKE USAGE ON SCHEMA %I FROM %I', "
    "$2::pg_catalog.text, by) END),"
    "  CASE WHEN NOT own AND NOT in_name THEN pg_catalog.format('the privilege %s on %I that role %I gave to %s', "
    "privilege, name, by, " GRANTEE ") END"
    " FROM a ORDER BY kind DESC, attnum, COALESCE(turn, place), depth, place";

static enum sc_result ask(struct target *t, const char *query, PGresult **res, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    return pg_query(t->control, err, res, query, 2, (const char *[]){oid, t->ghost_schema});
}

enum sc_result pg_clone_grants(struct target *t, struct plan *plan, struct sc_error *err)
{
    PGresult *revokes = NULL, *grants = NULL;
    enum sc_result result = ask(t, revoke_sql, &revokes, err);
    if (result == SC_OK)
        result = pg_run_each(t->control, revokes, err);
    if (result == SC_OK)
        result = ask(t, grant_sql, &grants, err);
    if (result == SC_OK && !PLANTED(D8_GRANTS_NOT_CARRIED))
        result = pg_run_each(t->control, grants, err);
    for (int i = 0; result == SC_OK && i < PQntuples(grants); i++)
        if (!PQgetisnull(grants, i, 1))
            strlist_addf(&plan->notes, "%s will be the owner's grant: this role may not grant in that one's name",
                         PQgetvalue(grants, i, 1));
    PQclear(revokes);
    PQclear(grants);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot clone the table's privileges");
}
