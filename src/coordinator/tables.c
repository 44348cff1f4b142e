#include "coordinator/tables.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "coordinator/progress.h"
#include "engines.h"

#define WAIT_MS 100
#define ROWS_IN_ERROR 5

struct tables {
    const struct tables_config *config;
    const struct target_ops *ops;
    struct target *target;
    const struct pair *pair;
    struct verify *verify;
    struct session *session;  /* for looking again; NULL: none is open */
    int64_t failing_since_us; /* it cannot be opened, or is lost each time; 0: it works */
    int64_t began_us;
    struct progress_rate rate;
};

static void show(struct tables *r, const struct verify_stats *stats)
{
    int64_t now = clock_us();
    struct progress_view view = {.phase = "verify",
                                 .rows_estimated = r->pair->rows_estimated,
                                 .rows_verified = stats->rows,
                                 .verify_rate = progress_rate_update(&r->rate, stats->rows, now),
                                 .lag_ms = -1,
                                 .eta_s = -1,
                                 .elapsed_ms = (now - r->began_us) / 1000};
    if (view.rows_verified < view.rows_estimated)
        view.eta_s = progress_eta_s(view.rows_verified, view.rows_estimated, view.verify_rate);
    progress_show(&view);
}

/* The rest of it does not go on without: a server that is gone is only given up after some time. */
static enum sc_result look_again(struct tables *r, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (!r->session)
        result = r->ops->session_open(r->target, "verify", &r->session, err);
    if (result == SC_OK)
        result = verify_again(r->verify, r->session, err);
    if (result != SC_RETRY) {
        r->failing_since_us = 0;
        return result;
    }
    r->ops->session_close(r->session);
    r->session = NULL;
    if (!r->failing_since_us)
        r->failing_since_us = clock_us();
    if (clock_us() - r->failing_since_us > r->config->give_up_ms * 1000)
        return SC_RETRY;
    log_warn("verify: %s; trying again", err->what);
    return SC_OK;
}

/* Until every row was seen the same, or counted. */
static enum sc_result compare(struct tables *r, struct sc_error *err)
{
    int64_t apart_us = r->pair->put_aside ? 0 : r->config->recheck_ms * 1000, looked_us = 0;
    for (bool running = true;;) {
        enum sc_result result = verify_wait(r->verify, running ? WAIT_MS : 0, &running, err);
        if (stop_requested())
            return error_set(err, SC_STOP,
                             "stopped by a signal: not all rows were compared, so it is not known whether they are the "
                             "same");
        if (!running && result != SC_OK)
            return result;
        struct verify_stats stats;
        verify_stats(r->verify, &stats);
        show(r, &stats);
        if (stats.walked && !stats.suspects)
            return SC_OK;
        bool due = clock_us() - looked_us >= (r->failing_since_us ? WAIT_MS * 10000 : apart_us);
        if ((stats.suspects || !running) && due) {
            result = look_again(r, err);
            looked_us = clock_us();
            if (result != SC_OK)
                return result;
        } else if (!running) {
            clock_sleep_ms(20);
        }
    }
}

static void count(struct tables *r, struct tables_found *found)
{
    struct verify_stats stats;
    verify_stats(r->verify, &stats);
    uint64_t missing = stats.found[VERIFY_MISSING], extra = stats.found[VERIFY_EXTRA];
    uint64_t not_same = stats.found[VERIFY_DIFFERS] + missing + stats.found[VERIFY_CHANGES] + stats.suspects;
    found->differ = stats.found[VERIFY_DIFFERS];
    found->only_table = r->pair->swapped ? extra : missing;
    found->only_with = r->pair->swapped ? missing : extra;
    found->changing = stats.found[VERIFY_CHANGES];
    found->unsettled = stats.suspects;
    found->compared = stats.rows + extra;
    found->same = stats.rows > not_same ? stats.rows - not_same : 0;
    found->nrows = verify_rows_named(r->verify, found->rows);
}

char *tables_row_says(const struct tables_found *found, const struct verify_row *row)
{
    bool of_table = (row->kind == VERIFY_MISSING) != found->pair.swapped;
    switch (row->kind) {
    case VERIFY_MISSING:
    case VERIFY_EXTRA:
        return mem_printf("is only in %s", of_table ? found->pair.table : found->pair.with);
    case VERIFY_CHANGES:
        return mem_strdup("differs each time in another way");
    case VERIFY_DIFFERS:
    case VERIFY_KINDS:
        break;
    }
    return mem_strdup("differs");
}

static enum sc_result judge(const struct tables_found *found, struct sc_error *err)
{
    uint64_t rows = found->differ + found->only_table + found->only_with + found->changing;
    if (rows == 0)
        return SC_OK;
    struct buf keys = {0};
    for (size_t i = 0; i < found->nrows && i < ROWS_IN_ERROR; i++) {
        char *says = tables_row_says(found, &found->rows[i]);
        buf_printf(&keys, "%s%s %s", i ? ", " : "", found->rows[i].key, says);
        mem_free(says);
    }
    error_set(err, SC_FAIL, "%s and %s are not the same, in %" PRIu64 " rows. By their keys: %s%s", found->pair.table,
              found->pair.with, rows, buf_cstr(&keys), rows > ROWS_IN_ERROR ? " ..." : "");
    buf_fini(&keys);
    return SC_FAIL;
}

static enum sc_result verify(struct tables *r, struct tables_found *found, struct sc_error *err)
{
    struct verify_config config = {.ops = r->ops,
                                   .target = r->target,
                                   .workers = r->config->spec.workers,
                                   .chunk_time_ms = r->config->chunk_time_ms,
                                   .give_up_ms = r->config->give_up_ms,
                                   /* What nobody keeps in step does not become the same. */
                                   .looks = r->pair->put_aside ? 1 : r->config->looks};
    enum sc_result result = verify_start(&config, &r->verify, err);
    if (result != SC_OK)
        return result;
    result = compare(r, err);
    r->ops->session_close(r->session);
    verify_end_walk(r->verify);
    count(r, found);
    verify_stop(r->verify);
    return result;
}

enum sc_result tables_verify(const struct tables_config *config, struct tables_found *found, struct sc_error *err)
{
    *found = (struct tables_found){0};
    struct tables r = {.config = config, .ops = config->engine->target, .pair = &found->pair, .began_us = clock_us()};
    enum sc_result result = r.ops->open(&config->spec, &r.target, err);
    if (result == SC_OK)
        result = r.ops->pair_open(r.target, &config->pair, &found->pair, err);
    if (result == SC_OK) {
        for (size_t i = 0; i < found->pair.definition.count; i++)
            log_info("%s", found->pair.definition.items[i]);
        progress_start(config->json, config->progress_interval_ms);
        result = verify(&r, found, err);
        progress_end();
    }
    if (r.target)
        r.ops->close(r.target);
    found->duration_ms = (clock_us() - r.began_us) / 1000;
    if (result == SC_FAIL) { /* of the server: of rows nothing is known by it */
        result = err->result = SC_REFUSE;
        error_wrap(err, "the tables cannot be compared");
    }
    if (result == SC_RETRY)
        error_hint(err, "Not all rows were compared, so it is not known whether they are the same.");
    return result == SC_OK ? judge(found, err) : result;
}

void tables_found_fini(struct tables_found *found)
{
    pair_fini(&found->pair);
}
