/* From nothing to a ghost that can be filled: place in the log, ghost, first checkpoint, in this order.
 *
 * The place comes first: whatever is logged behind it will be applied. What was logged before it has either released
 * its row locks, and every later read sees it, or holds them still, and the copy's reads wait for it (correctness A1,
 * A4). The first checkpoint is committed with all that is still to be done, so a crash before that is seen as "not
 * prepared", and all of it is made again: the migration's row names the ghost, which is dropped first. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/dependents.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "cdc/mysql/position.h"

static enum sc_result gtid_position(struct target *t, const char *file, uint64_t offset, char **out,
                                    struct sc_error *err)
{
    char *quoted = my_literal(file);
    enum sc_result result = my_valuef(t->control, err, out, "SELECT BINLOG_GTID_POS(%s, %" PRIu64 ")", quoted, offset);
    mem_free(quoted);
    return result;
}

static enum sc_result log_position(struct target *t, struct position *out, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(t->control, err, &res, my_log_status_sql(t));
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    const char *file = row ? my_column_text(res, row, "File") : NULL;
    if (result == SC_OK && !file)
        result = error_set(err, SC_REFUSE, "the server does not say where its binary log ends: it is off");
    struct my_log_position at = {0};
    char *gtids = NULL;
    if (result == SC_OK)
        result = my_log_position_set(&at, file, my_column_number(res, row, "Position"), err);
    if (result == SC_OK && t->server.family == MY_MARIADB) {
        result = gtid_position(t, file, at.offset, &gtids, err);
    } else if (result == SC_OK) {
        gtids = mem_strdup(my_column_text(res, row, "Executed_Gtid_Set"));
        /* The server breaks a long set into lines. */
        char *to = gtids;
        for (const char *from = gtids; from && *from; from++)
            if (*from != '\n')
                *to++ = *from;
        if (to)
            *to = 0;
    }
    if (result == SC_OK)
        my_log_position_make(&at, gtids, out);
    mem_free(gtids);
    mysql_free_result(res);
    return result;
}

/* The definition the ghost is made from is the one it will be compared with. */
static enum sc_result make_from_one_definition(struct target *t, struct sc_error *err)
{
    char *before = NULL, *after = NULL;
    enum sc_result result = my_fingerprint(t->control, t->schema, t->name, &before, err);
    my_table_fini(&t->source);
    if (result == SC_OK)
        result = my_table_load(t->control, t->schema, t->name, &t->source, err);
    if (result == SC_OK)
        result = my_ghost_make(t, NULL, err);
    if (result == SC_OK)
        result = my_fingerprint(t->control, t->schema, t->name, &after, err);
    if (result == SC_OK && strcmp(before, after) != 0)
        result = error_set(err, SC_RETRY, "the definition of %s.%s was changed while the new table was made", t->schema,
                           t->name);
    mem_free(t->fingerprint);
    t->fingerprint = before;
    mem_free(after);
    return result;
}

static enum sc_result store(struct target *t, const struct position *start, struct sc_error *err)
{
    enum sc_result result = my_run(t->control, err, "START TRANSACTION");
    if (result == SC_OK)
        result = my_state_store_ghost(t, err);
    if (result == SC_OK)
        result = my_state_begin_copy(t, start, err);
    if (result == SC_OK)
        return my_run(t->control, err, "COMMIT");
    if (my_alive(t->control))
        my_run(t->control, NULL, "ROLLBACK");
    return result;
}

/* After a restart in this phase nothing is loaded yet, and the table may have changed since: look again. */
static enum sc_result look_again(struct target *t, struct sc_error *err)
{
    struct plan plan = {0};
    enum sc_result result = my_preflight(t, &plan, err);
    if (result == SC_OK && plan.refusals.count > 0)
        result = error_set(err, SC_REFUSE, "%s", plan.refusals.items[0]);
    plan_fini(&plan);
    return result;
}

enum sc_result my_prepare(struct target *t, void (*progress)(void *arg, const char *text), void *arg,
                          struct sc_error *err)
{
    struct strlist removed = {0};
    struct position start = {0};
    (void)progress, (void)arg; /* there is nothing to wait for */
    enum sc_result result = my_remove_ghost(t, &removed, err);
    strlist_fini(&removed);
    if (result == SC_OK && t->source.ncolumns == 0)
        result = look_again(t, err);
    if (result == SC_OK)
        result = log_position(t, &start, err);
    if (result == SC_OK)
        result = make_from_one_definition(t, err);
    if (result == SC_OK)
        result = store(t, &start, err);
    return result;
}
