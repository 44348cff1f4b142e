/* Another instance holds the migration's lock: a Job's second pod, say. Whoever gets the lock behind it must know what
 * became of the first one's migration: to make the same ALTER again would migrate the new table. */
#include <string.h>

#include "applier/mysql/ops.h"
#include "applier/mysql/state.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"

#define LOOK_EVERY_MS 20

struct seen {
    char *done;        /* ids of this table's migrations that had ended before */
    char *fingerprint; /* NULL: it could not be read */
    char *swapped;     /* the id of one that was seen behind its swap */
};

/* One id or more of this table's migrations with this ALTER in these phases; NULL: none, or nothing is stored. */
static char *ids_in(struct target *t, const char *phases)
{
    bool exists = false;
    char *ids = NULL;
    struct sc_error ignored;
    if (my_state_exists(t->control, t->schema, &exists, &ignored) != SC_OK || !exists)
        return NULL;
    struct buf sql = {0};
    buf_str(&sql, "SELECT GROUP_CONCAT(id ORDER BY started_at DESC) FROM ");
    my_add_state(&sql, t, "migration");
    buf_str(&sql, " WHERE table_name = ");
    my_add_literal(&sql, t->name);
    buf_str(&sql, " AND alter_text = ");
    my_add_literal(&sql, t->spec.alter);
    buf_printf(&sql, " AND phase IN (%s)", phases);
    if (my_value(t->control, &ignored, &ids, buf_cstr(&sql)) != SC_OK)
        ids = NULL;
    buf_fini(&sql);
    return ids;
}

static void look(struct target *t, struct seen *seen)
{
    char *ids = ids_in(t, "'cleanup'");
    if (ids) {
        ids[strcspn(ids, ",")] = 0;
        mem_free(seen->swapped);
        seen->swapped = ids;
    }
}

/* Ended since: an id that was not among those that had ended before. */
static void look_for_done(struct target *t, struct seen *seen)
{
    char *ids = ids_in(t, "'done'"), *rest = NULL;
    for (char *id = ids ? strtok_r(ids, ",", &rest) : NULL; id && !seen->swapped; id = strtok_r(NULL, ",", &rest))
        if (!seen->done || !strstr(seen->done, id))
            seen->swapped = mem_strdup(id);
    mem_free(ids);
}

static enum sc_result judge(struct target *t, struct seen *seen, struct sc_error *err)
{
    struct sc_error ignored;
    char *now = NULL;
    look_for_done(t, seen);
    if (seen->swapped) {
        log_info("another seachange has made this change while this one waited");
        my_name_objects(t, seen->swapped);
        t->migration.phase = PHASE_DONE;
        return SC_OK;
    }
    bool read = my_fingerprint(t->control, t->schema, t->name, &now, &ignored) == SC_OK;
    bool replaced = read && seen->fingerprint && strcmp(now, seen->fingerprint) != 0;
    mem_free(now);
    if (!replaced)
        return error_set(err, SC_RETRY, "another seachange was at work on table %s until just now, and gave up",
                         t->spec.table);
    error_set(err, SC_REFUSE, "table %s was changed while this seachange waited for another one", t->spec.table);
    return error_hint(err, "Look whether it has its new shape already; if not, run the same command again.");
}

enum sc_result my_wait_for_another(struct target *t, int64_t within_ms, bool *taken, struct my_waited *waited,
                                   struct sc_error *err)
{
    struct seen *seen = mem_alloc(sizeof(*seen));
    struct sc_error ignored;
    int64_t deadline = clock_us() + within_ms * 1000;
    enum sc_result result = SC_OK;
    waited->seen = seen;
    seen->done = ids_in(t, "'done'");
    if (my_fingerprint(t->control, t->schema, t->name, &seen->fingerprint, &ignored) != SC_OK)
        seen->fingerprint = NULL;
    do {
        look(t, seen);
        result = my_take_lock(t, 0, taken, err);
        if (result == SC_OK && !*taken)
            clock_sleep_ms(LOOK_EVERY_MS);
    } while (result == SC_OK && !*taken && clock_us() < deadline && !stop_requested());
    return result;
}

enum sc_result my_judge_another(struct target *t, const struct my_waited *waited, struct sc_error *err)
{
    return waited->seen && !t->migration.resumed ? judge(t, waited->seen, err) : SC_OK;
}

void my_waited_fini(struct my_waited *waited)
{
    if (!waited->seen)
        return;
    mem_free(waited->seen->done);
    mem_free(waited->seen->fingerprint);
    mem_free(waited->seen->swapped);
    mem_free(waited->seen);
    waited->seen = NULL;
}
