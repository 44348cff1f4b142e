#include "coordinator/audit.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/stop.h"
#include "cdc/audit/pump.h"
#include "coordinator/publish.h"
#include "coordinator/run.h"
#include "engines.h"

/* A broker that does not answer within this time is as good as none, for now. */
#define ANSWER_MS 10000
/* Where the stream stands is stored so often; what was sent behind it is sent again after a crash. */
#define STORE_MS 1000
#define DRAIN_MS 5000
/* So long the end of an audit waits for Kafka, without anything getting there, if the audit is not required. */
#define GIVE_UP_MS 30000
#define POLL_MS 20
#define SETTLE_MS 1000
/* As near as the audit has to be for a cutover, at least: heartbeats are up to half a second apart. */
#define NEAR_MS 2000

struct audit {
    struct run *run;
    struct arena arena;
    struct audit_table table;
    struct audit_stored stored;
    struct audit_sink *sink;
    struct spool *spool;
    char *spool_dir;
    struct audit_pump *pump;
    struct session *session; /* the pump's */
    atomic_bool stop;
    char end[AUDIT_MARKER_TEXT]; /* as run_audit_end() was told */
    uint64_t moved;              /* messages acknowledged when that was last looked at, ... */
    int64_t moved_us;
};

/* --- settings
 * ------------------------------------------------------------------------------------------------------------- */

/* Another key makes other hashes: seen by what it makes of a known text, which tells nothing of the key. */
static void add_key_mark(struct buf *out, const struct audit_rules *rules)
{
    static const char known[] = "seachange audit key";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!rules->secret || !HMAC(EVP_sha256(), rules->secret, (int)rules->secret_len, (const unsigned char *)known,
                                sizeof(known) - 1, digest, &size))
        return;
    buf_str(out, ", key ");
    for (unsigned i = 0; i < 4; i++)
        buf_printf(out, "%02x", digest[i]);
}

char *audit_settings_text(const struct audit_settings *s)
{
    static const char *const decimals[] = {"precise", "string", "double"};
    struct buf b = {0};
    buf_printf(&b, "topic %s, prefix %s, columns %s, decimals %s, schemas %s, tombstones %s",
               s->topic ? s->topic : "by table", s->table.prefix, s->rules_text, decimals[s->table.decimals],
               s->table.with_schema ? "yes" : "no", s->tombstones ? "yes" : "no");
    add_key_mark(&b, s->rules);
    char *text = mem_strdup(buf_cstr(&b));
    buf_fini(&b);
    return text;
}

static const struct audit_settings *wanted(const struct run *r)
{
    return r->config->audit && r->config->audit->brokers ? r->config->audit : NULL;
}

/* --- the table and its topic
 * ---------------------------------------------------------------------------------------------- */

static enum sc_result describe(struct audit *a, struct session *session, struct sc_error *err)
{
    const struct audit_settings *s = wanted(a->run);
    enum sc_result result = a->run->ops->audit_describe(session, &s->table, &a->arena, &a->table, err);
    a->table.topic = s->topic;
    if (result == SC_OK)
        result = audit_rules_check(s->rules, &a->table, 1, err);
    if (result == SC_OK)
        result = audit_rules_apply(s->rules, &a->table, &a->arena, err);
    if (result == SC_OK)
        result = audit_table_prepare(&a->table, &a->arena, err);
    return result;
}

static enum sc_result open_sink(struct audit *a, struct sc_error *err)
{
    const struct audit_settings *s = wanted(a->run);
    struct audit_sink_config config = {.brokers = s->brokers,
                                       .properties = s->properties,
                                       .nproperties = s->nproperties,
                                       .stream = a->run->migration->id,
                                       .migration = a->run->migration->id,
                                       .timeout_ms = ANSWER_MS,
                                       .stop = &a->stop};
    return audit_sink_open(&config, &a->sink, err);
}

static struct audit *audit_new(struct run *r)
{
    struct audit *a = mem_alloc(sizeof(*a));
    a->run = r;
    return a;
}

static void audit_free(struct audit *a)
{
    if (!a)
        return;
    audit_sink_close(a->sink);
    spool_close(a->spool);
    if (a->spool_dir)
        rmdir(a->spool_dir);
    mem_free(a->spool_dir);
    a->run->ops->session_close(a->session);
    audit_table_close(&a->table);
    arena_fini(&a->arena);
    mem_free(a);
}

/* What there is before anything is made: the table, its rules, and the topic with its partitions. */
static enum sc_result look(struct audit *a, int32_t *partitions, struct sc_error *err)
{
    struct run *r = a->run;
    enum sc_result result = r->ops->session_open(r->target, "audit", &a->session, err);
    if (result == SC_OK)
        result = describe(a, a->session, err);
    if (result == SC_OK)
        result = open_sink(a, err);
    return result == SC_OK ? audit_sink_partitions(a->sink, a->table.topic, partitions, err) : result;
}

enum sc_result run_audit_check(struct run *r, struct sc_error *err)
{
    if (!wanted(r))
        return SC_OK;
    struct audit *a = audit_new(r);
    int32_t partitions = 0;
    enum sc_result result = look(a, &partitions, err);
    if (result == SC_OK)
        log_info("audit: changes go to topic %s, %" PRId32 " partitions", a->table.topic, partitions);
    audit_free(a);
    return result == SC_OK ? SC_OK : error_wrap(err, "audit");
}

enum sc_result run_audit_create(struct run *r, struct sc_error *err)
{
    if (!wanted(r))
        return SC_OK;
    struct audit *a = audit_new(r);
    char *settings = audit_settings_text(wanted(r));
    a->stored = (struct audit_stored){.settings = settings, .state = {.position = r->migration->applied}};
    enum sc_result result = look(a, &a->stored.state.partitions, err);
    if (result == SC_OK) {
        a->stored.state.heads =
            arena_array(&a->arena, (size_t)a->stored.state.partitions, sizeof(*a->stored.state.heads));
        FAILPOINT(result, audit_before_create, err);
    }
    if (result == SC_OK)
        result = r->ops->audit_store(a->session, &a->stored, err);
    mem_free(settings);
    audit_free(a);
    return result == SC_OK ? SC_OK : error_wrap(err, "audit");
}

/* --- where it stands
 * ------------------------------------------------------------------------------------------------------ */

/* A session that was lost is opened again: nothing depends on what it did before. */
static enum sc_result store_stored(struct audit *a, struct sc_error *err)
{
    struct run *r = a->run;
    enum sc_result result = SC_OK;
    if (!a->session)
        result = r->ops->session_open(r->target, "audit", &a->session, err);
    if (result == SC_OK)
        result = r->ops->audit_store(a->session, &a->stored, err);
    if (result == SC_RETRY) {
        r->ops->session_close(a->session);
        a->session = NULL;
    }
    return result;
}

/* By the pump's thread. */
static enum sc_result store(void *arg, const struct audit_state *state, struct sc_error *err)
{
    struct audit *a = arg;
    enum sc_result result = SC_OK;
    FAILPOINT(result, audit_before_store, err);
    struct audit_hash *heads = a->stored.state.heads;
    memcpy(heads, state->heads, (size_t)state->partitions * sizeof(*heads));
    a->stored.state = *state;
    a->stored.state.heads = heads;
    if (result == SC_OK)
        result = store_stored(a, err);
    FAILPOINT(result, audit_stored, err);
    if (result == SC_OK)
        run_confirm(a->run, NULL, &state->position);
    return result;
}

/* *going: there is a stream, and it has not ended. */
static enum sc_result load(struct audit *a, bool *going, struct sc_error *err)
{
    struct run *r = a->run;
    bool found = false;
    *going = false;
    enum sc_result result = r->ops->session_open(r->target, "audit", &a->session, err);
    if (result == SC_OK)
        result = r->ops->audit_load(a->session, &a->arena, &a->stored, &found, err);
    if (result != SC_OK)
        return result;
    *going = found && !a->stored.ended;
    if (!found && !wanted(r))
        return SC_OK;
    if (!found) {
        error_set(err, SC_REFUSE, "migration %s was begun without an audit, and what was changed so far is in no topic",
                  r->migration->id);
        return error_hint(err, "Go on without --audit-kafka, or `seachange abort %s` and begin with it.",
                          r->migration->id);
    }
    if (!*going)
        return SC_OK;
    if (!wanted(r)) {
        error_set(err, SC_REFUSE, "migration %s was begun with an audit (%s)", r->migration->id, a->stored.settings);
        return error_hint(err, "Give the same --audit options again: changes that are not in Kafka yet would be "
                               "missing there.");
    }
    char *now = audit_settings_text(wanted(r));
    if (strcmp(now, a->stored.settings) != 0) {
        result = error_set(err, SC_REFUSE, "the audit of migration %s was begun with: %s. Now it is: %s",
                           r->migration->id, a->stored.settings, now);
        error_hint(err, "What a consumer has read must go on as it began. Brokers, properties and the policy may "
                        "change.");
    }
    mem_free(now);
    return result;
}

/* --- the pipeline
 * --------------------------------------------------------------------------------------------------------- */

/* For the summary: how the audit ended. */
static void note_end(struct run *r, const struct audit_stored *stored)
{
    char *note = stored->gap ? mem_printf("the audit has a gap: %s", stored->gap)
                             : mem_printf("audit: all changes are in Kafka, %" PRIu64 " messages of stream %s",
                                          stored->state.sequence, r->migration->id);
    if (!strlist_has(&r->notes, note))
        strlist_add(&r->notes, note);
    mem_free(note);
}

static enum sc_result open_stream(struct audit *a, struct sc_error *err)
{
    struct run *r = a->run;
    a->spool_dir = mem_printf("%s/seachange-%s-audit", r->config->spool_dir, r->migration->id);
    enum sc_result result = describe(a, a->session, err);
    if (result == SC_OK)
        result = open_sink(a, err);
    if (result == SC_OK)
        result = pipeline_open_spool(r, a->spool_dir, &a->spool, err);
    a->moved_us = clock_us();
    return result;
}

/* *out is there as soon as a stream is that goes on, also where it cannot be opened: run_audit_close(). */
static enum sc_result open_audit(struct run *r, struct audit **out, struct sc_error *err)
{
    struct audit *a = audit_new(r);
    bool going = false;
    enum sc_result result = load(a, &going, err);
    bool loaded = result == SC_OK;
    if (result == SC_OK && going)
        result = open_stream(a, err);
    if (result == SC_OK && a->stored.ended)
        note_end(r, &a->stored);
    if (PLANTED(E5_NUMBERS_BEGIN_ANEW))
        a->stored.state.sequence = 0;
    if (PLANTED(E7_CHAIN_BEGINS_ANEW))
        a->stored.state.heads = arena_array(&a->arena, (size_t)a->stored.state.partitions, sizeof(struct audit_hash));
    if (loaded && going)
        *out = a;
    else
        audit_free(a);
    return result == SC_OK ? SC_OK : error_wrap(err, "audit");
}

enum sc_result run_audit_open(struct run *r, struct sc_error *err)
{
    enum sc_result result = open_audit(r, &r->audit, err);
    if (result == SC_OK && r->audit)
        spool_follow(r->spool, r->audit->spool, !wanted(r)->required);
    return result;
}

enum sc_result run_audit_start(struct run *r, const char *end, struct sc_error *err)
{
    struct audit *a = r->audit;
    if (!a)
        return SC_OK;
    struct audit_pump_config config = {
        .spool = a->spool,
        .sink = a->sink,
        .from = &a->stored.state,
        .stream = {.tables = &a->table, .ntables = 1, .version = AUDIT_VERSION, .tombstones = wanted(r)->tombstones},
        .store = store,
        .store_arg = a,
        .store_ms = STORE_MS,
        .drain_ms = DRAIN_MS,
        .end = end};
    config.stream.engine = r->ops->audit_engine(r->target, &config.stream.server_id);
    return audit_pump_start(&config, &a->pump, err);
}

void run_audit_stop(struct run *r)
{
    struct audit *a = r->audit;
    if (!a)
        return;
    atomic_store(&a->stop, true);
    if (a->spool)
        spool_stop(a->spool);
    audit_pump_stop(a->pump);
    a->pump = NULL;
}

void run_audit_close(struct run *r)
{
    audit_free(r->audit);
    r->audit = NULL;
}

const struct position *run_audit_position(const struct run *r)
{
    return r->audit ? &r->audit->stored.state.position : NULL;
}

/* --- while it goes on
 * ----------------------------------------------------------------------------------------------------- */

/* Nothing more is sent. That it is not whole is stored before anything else is done without it. */
static enum sc_result give_up(struct run *r, const struct sc_error *why, struct sc_error *err)
{
    struct audit *a = r->audit;
    log_warn("the audit is given up, and has a gap from here on: %s", why->what);
    run_audit_stop(r);
    char *gap = mem_printf("nothing behind %s: %s", a->stored.state.position.text, why->what);
    a->stored.gap = arena_strdup(&a->arena, gap);
    a->stored.ended = true;
    mem_free(gap);
    enum sc_result result = store_stored(a, err);
    if (result != SC_OK)
        return result;
    note_end(r, &a->stored);
    run_confirm(r, NULL, NULL);
    return SC_OK;
}

static enum sc_result pump_failure(struct audit *a, struct sc_error *err)
{
    enum sc_result result = a->pump ? audit_pump_check(a->pump, err) : SC_OK;
    struct sc_error unreadable;
    if (result == SC_FAIL && spool_unreadable(a->spool, &unreadable) != SC_OK) {
        *err = unreadable; /* the server sends it again */
        return err->result;
    }
    return result;
}

enum sc_result run_audit_tick(struct run *r, struct sc_error *err)
{
    if (!r->audit || !r->audit->pump)
        return SC_OK;
    struct sc_error failure;
    enum sc_result result = pump_failure(r->audit, &failure);
    /* Where there is no room any more, the server need not keep its log for what can never be whole. */
    if (result == SC_OK && !wanted(r)->required)
        result = spool_failure(r->audit->spool, &failure);
    if (result == SC_OK || result == SC_STOP)
        return SC_OK;
    /* The reader's failure is told to both its consumers. */
    enum sc_result reader = pipeline_check_source(r, err);
    if (reader != SC_OK)
        return reader;
    if (result == SC_FAIL && !wanted(r)->required)
        return give_up(r, &failure, err);
    *err = failure;
    return result;
}

bool run_audit_near(struct run *r, int64_t *lag_ms)
{
    *lag_ms = 0;
    if (!r->audit || !r->audit->pump || !wanted(r)->required)
        return true;
    struct audit_pump_stats stats;
    audit_pump_stats(r->audit->pump, &stats);
    int64_t most_ms = r->config->max_lag_ms > NEAR_MS ? r->config->max_lag_ms : NEAR_MS;
    return apply_heartbeat_age(r->apply, stats.passed, lag_ms) && *lag_ms < most_ms;
}

void run_audit_end(struct run *r, const char *marker)
{
    struct audit *a = r->audit;
    if (!a || !a->pump)
        return;
    snprintf(a->end, sizeof(a->end), "%s", marker ? marker : "");
    audit_pump_end(a->pump, marker);
}

void run_audit_publish(const struct run *r, struct status_audit *out)
{
    const struct audit *a = r->audit;
    publish_audit(out, a ? a->sink : NULL, a ? a->pump : NULL, a ? a->spool : NULL);
}

/* --- after the swap
 * ------------------------------------------------------------------------------------------------------- */

void run_audit_settle(struct run *r)
{
    int64_t until_us = clock_us() + SETTLE_MS * 1000;
    struct audit *a = r->audit;
    if (!a || !a->pump)
        return;
    struct sc_error ignored;
    enum sc_result result;
    while ((result = audit_pump_ended(a->pump, &ignored)) == SC_RETRY && clock_us() < until_us && !stop_requested())
        clock_sleep_ms(POLL_MS);
    if (result == SC_OK)
        snprintf(r->audit_end, sizeof(r->audit_end), "%s", a->end);
}

/* SC_OK: all is sent. */
static enum sc_result wait_for_end(struct run *r, struct sc_error *err)
{
    struct audit *a = r->audit;
    int64_t give_up_ms = wanted(r)->required || r->config->give_up_ms < GIVE_UP_MS ? r->config->give_up_ms : GIVE_UP_MS;
    for (;;) {
        enum sc_result result = audit_pump_ended(a->pump, err);
        struct sc_error failure;
        if (result != SC_OK && result != SC_RETRY && pump_failure(a, &failure) != SC_OK)
            *err = failure;
        if (result != SC_RETRY)
            return result == SC_OK ? SC_OK : err->result;
        if (stop_requested())
            return error_set(err, SC_STOP, "stopped by a signal while the audit was on its way to Kafka");
        struct audit_sink_stats stats;
        audit_sink_stats(a->sink, &stats);
        int64_t now = clock_us();
        if (stats.acknowledged != a->moved) {
            a->moved = stats.acknowledged;
            a->moved_us = now;
        }
        if (now - a->moved_us > give_up_ms * 1000) {
            r->given_up = true;
            return error_set(err, SC_RETRY, "Kafka has acknowledged nothing for %" PRId64 " s%s%s", give_up_ms / 1000,
                             stats.state[0] ? ": " : "", stats.state);
        }
        run_show(r);
        clock_sleep_ms(POLL_MS);
    }
}

static enum sc_result send_rest(struct run *r, struct sc_error *err)
{
    struct audit *a = r->audit;
    char marker[AUDIT_MARKER_TEXT];
    enum sc_result result = r->ops->audit_last_marker(a->session, marker, sizeof(marker), err);
    if (result == SC_OK && r->audit_end[0] && strcmp(marker, r->audit_end) == 0)
        return SC_OK; /* to read the log once more would take seconds */
    if (result == SC_OK)
        result = pipeline_start_source(r, a->spool, marker, err);
    if (result == SC_OK)
        result = run_audit_start(r, marker, err);
    if (result == SC_OK) {
        run_note(r, "the last changes are on their way to Kafka");
        result = wait_for_end(r, err);
        run_note(r, NULL);
    }
    run_audit_stop(r);
    return result;
}

static enum sc_result record_end(struct run *r, struct sc_error *err)
{
    struct audit *a = r->audit;
    enum sc_result result = SC_OK;
    a->stored.ended = true;
    FAILPOINT(result, audit_before_end, err);
    if (result == SC_OK)
        result = store_stored(a, err);
    FAILPOINT(result, audit_end_stored, err);
    if (result == SC_OK)
        note_end(r, &a->stored);
    return result;
}

enum sc_result run_audit_rest(struct run *r, struct sc_error *err)
{
    enum sc_result result = open_audit(r, &r->audit, err);
    if (r->audit) {
        FAILPOINT(result, audit_rest_begin, err);
        if (result == SC_OK && !PLANTED(E4_REST_NOT_SENT))
            result = send_rest(r, err);
        /* The old table is gone, say, or the server's log: it will never be otherwise. */
        bool lost = result == SC_FAIL || result == SC_REFUSE || (result == SC_RETRY && r->given_up);
        if (lost && !wanted(r)->required) {
            struct sc_error why = *err;
            result = give_up(r, &why, err);
        } else if (result == SC_OK) {
            result = record_end(r, err);
        }
    }
    pipeline_stop(r);
    return result;
}
