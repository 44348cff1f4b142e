/* A batch in parts: each part's transaction writes its row in seachange.part, so that after a crash it is known which
 * parts are in. They are deleted in the transaction that moves the checkpoint.
 *
 * Rows that exchange the values of a unique index can be in different parts, which know nothing of each other's order.
 * Where the ghost has such indexes the batch has two steps, with everybody waiting between them: first what is deleted
 * goes, and unique values that are to change become NULL; then everything is set. That can only be done when NULL is
 * allowed in all of these columns, and means nothing to anybody. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/fold.h"
#include "applier/parts.h"
#include "applier/postgres/apply.h"
#include "applier/postgres/mapping.h"
#include "applier/postgres/state.h"
#include "base/failpoint.h"
#include "base/plant.h"

/* Two numbers: unique indexes beside the key's, and those of them of which a column cannot be NULL for a moment. $2:
 * the key's columns, $3: the columns that are set from the log. An index that holds the whole key is unique with it. */
static const char unique_sql[] =
    "WITH ghost AS (SELECT a.attnum, a.attname::pg_catalog.text AS name, NOT a.attnotnull AND a.attgenerated = '' AND "
    "y.typtype <> 'd'"
    "  AND a.attname = ANY ($3::pg_catalog.text[]) AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE "
    "k.conrelid = a.attrelid AND k.contype = 'c' AND (k.conkey IS NULL OR a.attnum = ANY (k.conkey))) AS free"
    "  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid WHERE a.attrelid = "
    "$1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped)"
    " SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR "
    "i.indisexclusion OR COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::pg_catalog.bool, false)"
    "  OR NOT columns.free) + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute WHERE attrelid = "
    "$1::pg_catalog.oid AND attgenerated <> '' AND NOT attisdropped)"
    " FROM pg_catalog.pg_index i CROSS JOIN LATERAL"
    "  (SELECT pg_catalog.bool_and(COALESCE(ghost.free, false)) AS free, pg_catalog.array_agg(ghost.name) AS names "
    "FROM "
    "pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY u(n, ord)"
    "   LEFT JOIN ghost ON ghost.attnum = u.n WHERE u.ord <= i.indnkeyatts) columns"
    " WHERE i.indrelid = $1::pg_catalog.oid AND (i.indisunique OR i.indisexclusion)"
    "  AND NOT (columns.names @> $2::pg_catalog.text[])";

static void add_array(struct buf *b, const struct target *t, bool keys)
{
    const char *glue = "{";
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct pg_mapped *m = &t->map.columns[i];
        if (pg_mapped_is_key(t, i) != keys || (!keys && m->ninputs == 0))
            continue;
        buf_str(b, glue);
        pg_add_array_element(b, m->ghost_column);
        glue = ",";
    }
    buf_str(b, *glue == '{' ? "{}" : "}");
}

static bool all_built(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    bool all = true;
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage <= STAGE_AFTER && !t->todo[i].done)
            all = false;
    pthread_mutex_unlock(&t->lock);
    return all;
}

enum sc_result pg_parts_steps(struct session *s, bool strict, int *steps, struct sc_error *err)
{
    struct target *t = s->target;
    *steps = strict ? 0 : 1; /* unique indexes are built behind the fence */
    if (!strict)
        return SC_OK;
    if (!all_built(t)) /* a unique index could be there all at once */
        return SC_OK;
    if (!t->steps_known) {
        char oid[16];
        snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
        struct buf keys = {0}, others = {0};
        add_array(&keys, t, true);
        add_array(&others, t, false);
        PGresult *res = NULL;
        enum sc_result result =
            pg_query(s->conn, err, &res, unique_sql, 3, (const char *[]){oid, buf_cstr(&keys), buf_cstr(&others)});
        buf_fini(&keys);
        buf_fini(&others);
        if (result != SC_OK)
            return result;
        bool none = strcmp(PQgetvalue(res, 0, 0), "0") == 0, free = strcmp(PQgetvalue(res, 0, 1), "0") == 0;
        PQclear(res);
        t->steps = none ? 1 : free ? 2 : 0;
        t->steps_known = true;
    }
    *steps = t->steps;
    return SC_OK;
}

static enum sc_result contradiction(const struct target *t, struct sc_error *err)
{
    error_set(err, SC_FAIL, "the stored state of migration %s contradicts itself: its parts are of different batches",
              t->migration.id);
    return error_hint(err, "The source is untouched. Run `seachange abort %s` and start again; please report it.",
                      t->migration.id);
}

/* Writes the part's row. *fresh false: this step is in already. Keeps whoever would take the migration over waiting
 * until the transaction has ended. */
static enum sc_result claim(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                            bool *fresh, struct sc_error *err)
{
    const struct target *t = s->target;
    char at[24];
    pg_lsn_format(cut->last.order, at);
    struct buf sql = {0};
    buf_printf(&sql, "SELECT 1 FROM seachange.checkpoint WHERE id = '%s' AND token = %" PRIu64 " FOR SHARE",
               t->migration.id, t->token);
    char *ours = NULL;
    enum sc_result result = pg_value(s->conn, err, &ours, buf_cstr(&sql), 0, NULL);
    buf_clear(&sql);
    if (result == SC_OK && !ours)
        result =
            error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops", t->migration.id);
    mem_free(ours);
    buf_printf(&sql,
               "INSERT INTO seachange.part AS p (id, part, parts, step, steps, last, last_changes) VALUES ('%s', "
               "%" PRIu32 ", %" PRIu32 ", %d, %d, '%s', %" PRIu64 ") ON CONFLICT (id, part) DO UPDATE SET step = "
               "EXCLUDED.step WHERE p.last = EXCLUDED.last AND p.last_changes = EXCLUDED.last_changes AND p.parts = "
               "EXCLUDED.parts AND p.step < EXCLUDED.step",
               t->migration.id, batch->part, cut->parts, step, cut->steps, at, cut->last_changes);
    PGresult *res = NULL;
    if (result == SC_OK)
        result = pg_query(s->conn, err, &res, buf_cstr(&sql), 0, NULL);
    *fresh = result == SC_OK && strcmp(PQcmdTuples(res), "1") == 0;
    PQclear(res);
    buf_clear(&sql);
    *fresh = *fresh || (result == SC_OK && PLANTED(C1_PARTS_NOT_REMEMBERED));
    if (result != SC_OK || *fresh) {
        buf_fini(&sql);
        return result;
    }
    buf_printf(&sql,
               "SELECT 1 FROM seachange.part WHERE id = '%s' AND part = %" PRIu32 " AND parts = %" PRIu32
               " AND last = '%s' AND last_changes = %" PRIu64 " AND step >= %d",
               t->migration.id, batch->part, cut->parts, at, cut->last_changes, step);
    char *in = NULL;
    result = pg_value(s->conn, err, &in, buf_cstr(&sql), 0, NULL);
    buf_fini(&sql);
    if (result == SC_OK && !in)
        result = contradiction(t, err);
    mem_free(in);
    return result;
}

enum sc_result pg_part_apply(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                             struct sc_error *err)
{
    enum stage_step half = cut->steps == 1 ? STAGE_ALL : step == 1 ? STAGE_MAKE_ROOM : STAGE_SET;
    bool fresh = false;
    enum sc_result result = pg_stage_open(s, err);
    if (result == SC_OK)
        result = pg_run(s->conn, err, BEGIN_DEFERRED);
    if (result == SC_OK)
        result = claim(s, batch, cut, step, &fresh, err);
    if (result == SC_OK && fresh && half == STAGE_MAKE_ROOM)
        result = pg_park_learn(s, err);
    if (result == SC_OK && fresh)
        pg_ahead_begin(s, batch);
    if (result == SC_OK && fresh)
        result = pg_stage_apply(s, batch, half, err);
    if (fresh)
        FAILPOINT(result, apply_part_before_commit, err);
    if (result == SC_OK && fresh)
        result = pg_run(s->conn, err, "COMMIT");
    else if (pg_alive(s->conn))
        pg_run(s->conn, NULL, "ROLLBACK");
    if (fresh)
        FAILPOINT(result, apply_part_committed, err);
    return pg_apply_explain(s, result, err);
}

enum sc_result pg_parts_end(struct session *s, const struct batch *batch, struct sc_error *err)
{
    enum sc_result result = pg_run(s->conn, err, "BEGIN");
    if (result == SC_OK)
        result = pg_move_checkpoint(s, batch, err);
    if (result == SC_OK)
        result = pg_runf(s->conn, err, "DELETE FROM seachange.part WHERE id = '%s'", s->target->migration.id);
    FAILPOINT(result, apply_parts_before_commit, err);
    if (result == SC_OK)
        return pg_run(s->conn, err, "COMMIT");
    if (pg_alive(s->conn))
        pg_run(s->conn, NULL, "ROLLBACK");
    return result;
}

enum sc_result pg_parts_pending(struct session *s, struct parts_cut *cut, struct sc_error *err)
{
    *cut = (struct parts_cut){0};
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res,
                                     "SELECT DISTINCT parts, steps, last, last_changes FROM seachange.part WHERE id = "
                                     "$1",
                                     1, (const char *[]){s->target->migration.id});
    if (result != SC_OK)
        return result;
    uint64_t at = 0;
    if (PQntuples(res) > 1 || (PQntuples(res) == 1 && !pg_lsn_parse(PQgetvalue(res, 0, 2), &at))) {
        result = contradiction(s->target, err);
    } else if (PQntuples(res) == 1) {
        cut->parts = (uint32_t)strtoul(PQgetvalue(res, 0, 0), NULL, 10);
        cut->steps = (int)strtol(PQgetvalue(res, 0, 1), NULL, 10);
        cut->last.order = at;
        snprintf(cut->last.text, sizeof(cut->last.text), "%s", PQgetvalue(res, 0, 2));
        cut->last_changes = strtoull(PQgetvalue(res, 0, 3), NULL, 10);
        if (cut->parts == 0 || cut->parts > PARTS_MOST)
            result = error_set(err, SC_FAIL, "migration %s has a batch in %u parts, this version knows at most %d",
                               s->target->migration.id, cut->parts, PARTS_MOST);
    }
    PQclear(res);
    return result;
}
