/* Another instance holds the migration's lock: a Job's second pod, say. Whoever gets the lock behind it must know what
 * became of the first one's migration: to make the same ALTER again would migrate the new table.
 *
 * The second looks at the first one's row, which says that it has swapped. Where the old table is dropped, the row
 * goes, too, and could do so between two looks. So who waits holds another lock until it has seen the swap, and who
 * removes the row asks for that one first. It asks for a short time only, because who waits may have been stopped. */
#include <string.h>

#include "applier/mysql/ops.h"
#include "applier/mysql/state.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"

#define LOOK_EVERY_MS 20
/* So many who wait at once are sure to see it. */
#define PLACES 4
#define LET_SEE_MS 2000

struct seen {
    char *done;        /* ids of this table's migrations that had ended before */
    char *fingerprint; /* NULL: it could not be read */
    char *swapped;     /* the id of one that was seen behind its swap */
    int place;         /* of those who wait; 0: none */
};

static char *place_name(const struct target *t, int place)
{
    return mem_printf("%s waiting %d", t->lock_name, place);
}

static void take_place(struct target *t, struct seen *seen)
{
    struct sc_error ignored;
    for (int place = 1; place <= PLACES && !seen->place; place++) {
        char *name = place_name(t, place);
        bool taken = false;
        if (my_take_named(t, name, 0, &taken, &ignored) == SC_OK && taken)
            seen->place = place;
        mem_free(name);
    }
}

static void leave_place(struct target *t, struct seen *seen)
{
    if (!seen->place)
        return;
    char *name = place_name(t, seen->place);
    my_release_lock(t, name);
    mem_free(name);
    seen->place = 0;
}

void my_let_others_see(struct target *t)
{
    int64_t deadline = clock_us() + LET_SEE_MS * 1000;
    struct sc_error ignored;
    for (int place = 1; place <= PLACES; place++) {
        int64_t left_ms = (deadline - clock_us()) / 1000;
        char *name = place_name(t, place);
        bool taken = false;
        if (my_take_named(t, name, left_ms > 0 ? left_ms : 0, &taken, &ignored) == SC_OK && taken)
            my_release_lock(t, name);
        mem_free(name);
    }
}

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
    take_place(t, seen);
    do {
        look(t, seen);
        if (seen->swapped)
            leave_place(t, seen);
        result = my_take_lock(t, 0, taken, err);
        if (result == SC_OK && !*taken)
            clock_sleep_ms(LOOK_EVERY_MS);
    } while (result == SC_OK && !*taken && clock_us() < deadline && !stop_requested());
    leave_place(t, seen);
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
