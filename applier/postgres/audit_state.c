/* Where the audit's stream stands, as it is stored. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "applier/postgres/ops.h"
#include "applier/postgres/state.h"

/* State that an earlier version has begun lacks the table. */
static enum sc_result table_exists(struct pg_conn *conn, bool *is, struct sc_error *err)
{
    char *one = NULL;
    enum sc_result result =
        pg_value(conn, err, &one, "SELECT 1 WHERE pg_catalog.to_regclass('seachange.audit') IS NOT NULL", 0, NULL);
    *is = one != NULL;
    mem_free(one);
    return result;
}

static enum sc_result take_row(struct target *t, const PGresult *res, struct arena *arena, struct audit_stored *out,
                               struct sc_error *err)
{
    const char *position = pg_column_text(res, 0, "position"), *gap = pg_column_text(res, 0, "gap");
    struct audit_state *state = &out->state;
    out->settings = arena_strdup(arena, pg_column_text(res, 0, "settings"));
    out->gap = gap ? arena_strdup(arena, gap) : NULL;
    out->ended = pg_column_text(res, 0, "ended")[0] == 't';
    snprintf(state->position.text, sizeof(state->position.text), "%s", position);
    bool good = pg_lsn_parse(position, &state->position.order) &&
                audit_state_read(state, arena, pg_column_text(res, 0, "sequence"), pg_column_text(res, 0, "partitions"),
                                 pg_column_text(res, 0, "heads"));
    return good ? SC_OK
                : error_set(err, SC_FAIL, "what seachange.audit holds of migration %s is damaged", t->migration.id);
}

enum sc_result pg_audit_load(struct session *s, struct arena *arena, struct audit_stored *out, bool *found,
                             struct sc_error *err)
{
    *out = (struct audit_stored){0};
    enum sc_result result = table_exists(s->conn, found, err);
    if (result != SC_OK || !*found)
        return result;
    PGresult *res = NULL;
    result = pg_query(s->conn, err, &res, "SELECT * FROM seachange.audit WHERE id = $1", 1,
                      (const char *[]){s->target->migration.id});
    *found = result == SC_OK && PQntuples(res) == 1;
    if (*found)
        result = take_row(s->target, res, arena, out, err);
    PQclear(res);
    return result;
}

enum sc_result pg_audit_store(struct session *s, const struct audit_stored *stored, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf heads = {0};
    char position[24], sequence[24], partitions[16], token[24];
    pg_lsn_format(stored->state.position.order, position);
    snprintf(sequence, sizeof(sequence), "%" PRIu64, stored->state.sequence);
    snprintf(partitions, sizeof(partitions), "%" PRId32, stored->state.partitions);
    snprintf(token, sizeof(token), "%" PRIu64, t->token);
    audit_heads_format(&heads, stored->state.heads, stored->state.partitions);
    char *one = NULL;
    enum sc_result result = pg_value(
        s->conn, err, &one,
        "INSERT INTO seachange.audit (id, settings, position, sequence, partitions, heads, ended, gap)"
        " SELECT id, $3, $4::pg_catalog.pg_lsn, $5::pg_catalog.int8, $6::pg_catalog.int4, $7, $8::pg_catalog.bool, $9"
        " FROM seachange.migration WHERE id = $1 AND token = $2::pg_catalog.int8"
        " ON CONFLICT (id) DO UPDATE SET position = EXCLUDED.position, sequence = EXCLUDED.sequence,"
        " heads = EXCLUDED.heads, ended = EXCLUDED.ended, gap = EXCLUDED.gap,"
        " updated_at = pg_catalog.clock_timestamp() RETURNING 1",
        9,
        (const char *[]){t->migration.id, token, stored->settings, position, sequence, partitions, buf_cstr(&heads),
                         stored->ended ? "t" : "f", stored->gap});
    if (result == SC_OK && !one)
        result =
            error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops", t->migration.id);
    mem_free(one);
    buf_fini(&heads);
    return result;
}

enum sc_result pg_audit_forget(struct target *t, struct sc_error *err)
{
    bool there = false;
    enum sc_result result = table_exists(t->control, &there, err);
    return result == SC_OK && there
               ? pg_runf(t->control, err, "DELETE FROM seachange.audit WHERE id = '%s'", t->migration.id)
               : result;
}
