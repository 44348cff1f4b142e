/* Whether a stored migration that nobody runs could go on, as far as that can be told without reading the log. What may
 * not be asked with this account's rights is taken to be well: the migration itself finds out. */
#include <stdio.h>
#include <string.h>

#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "cdc/mysql/log_end.h"

/* SC_OK: also where the server refused to answer. */
static enum sc_result only_lost(struct target *t, enum sc_result result)
{
    return result == SC_OK || my_alive(t->control) ? SC_OK : result;
}

static enum sc_result was_changed(struct target *t, const char *schema, const char *table, const char *fingerprint,
                                  bool *changed, struct sc_error *err)
{
    char *now = NULL;
    enum sc_result result = my_fingerprint(t->control, schema, table, &now, err);
    *changed = result == SC_OK && strcmp(now, fingerprint) != 0;
    mem_free(now);
    return result;
}

enum sc_result my_cannot_go_on(struct target *t, const char *schema, MYSQL_RES *res, MYSQL_ROW row, bool ghost,
                               char **why, struct sc_error *err)
{
    const char *fingerprint = my_column_text(res, row, "fingerprint"), *at = my_column_text(res, row, "applied_text");
    enum phase phase;
    *why = NULL;
    /* Without the ghost it is swapped, or there is nothing yet that would have to fit. */
    if (!ghost || !fingerprint || !at || !my_phase_from_stored(my_column_text(res, row, "phase"), &phase) ||
        phase <= PHASE_PREPARE || phase >= PHASE_CLEANUP)
        return SC_OK;
    if (strcmp(my_column_text(res, row, "server_identity"), t->server.identity) != 0) {
        *why = mem_strdup("it was started on another server, whose log is not this one's");
        return SC_OK;
    }
    struct position applied = {.order = my_column_number(res, row, "applied_order")};
    snprintf(applied.text, sizeof(applied.text), "%s", at);
    bool changed = false;
    enum sc_result result =
        only_lost(t, was_changed(t, schema, my_column_text(res, row, "table_name"), fingerprint, &changed, err));
    if (result == SC_OK && changed)
        *why = mem_strdup("somebody changed the table's definition meanwhile");
    else if (result == SC_OK)
        result = only_lost(t, my_log_is_lost(&t->server, t->control, &applied, why, err));
    return result;
}
