#include "coordinator/standing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/log.h"
#include "base/stop.h"
#include "cdc/audit/pump.h"
#include "cdc/audit/standing.h"
#include "cdc/spool.h"
#include "coordinator/standing_flow.h"
#include "engines.h"

enum {
    ANSWER_MS = 10000, /* a broker that does not answer within this time is as good as none, for now */
    STORE_MS = 1000,
    TICK_MS = 50,
    CHECK_MS = 10000,
    SPOOL_LOCK_WAIT_MS = 10000,
    STATUS_INTERVAL_MS = 1000,
    AGAIN_FIRST_MS = 500,
    AGAIN_MOST_MS = 10000,
};
#define SPOOL_BLOCK_BYTES (256u << 10)
#define SPOOL_SEGMENT_BYTES (64ull << 20)
#define SPOOL_RECORD_BYTES (2000ull << 20)

/* What is known over several openings. */
struct course {
    struct position stored; /* as far as it had come at the last failure */
    bool failed_here;       /* for good, at that place */
    int64_t trying_us;      /* since when nothing got on; 0: it does */
    struct backoff backoff;
    uint64_t messages; /* as last shown */
    int64_t shown_us, checked_us;
};

/* --- the tables
 * ----------------------------------------------------------------------------------------------------------- */

static const char *schema_of(const struct audit_table *t)
{
    return t->schema ? t->schema : t->catalog;
}

static enum sc_result learn(struct flow *f, size_t i, struct sc_error *err)
{
    const struct audit_settings *s = f->config->settings;
    struct migration_spec spec = {.url = f->config->url, .table = f->config->tables[i]};
    struct table *t = &f->tables[i];
    struct audit_table *described = &f->described[i];
    enum sc_result result = f->ops->open(&spec, &t->target, err);
    if (result == SC_OK)
        result = f->ops->audit_open(t->target, err);
    if (result == SC_OK)
        result = f->ops->session_open(t->target, "audit", &t->session, err);
    if (result == SC_OK)
        result = f->ops->audit_describe(t->session, &s->table, &f->arena, described, err);
    if (result != SC_OK)
        return result;
    described->topic = s->topic;
    result = audit_rules_apply(s->rules, described, &f->arena, err);
    if (result == SC_OK)
        result = audit_table_prepare(described, &f->arena, err);
    return result;
}

static int by_name(const void *a, const void *b)
{
    const struct audit_table *x = a, *y = b;
    int order = strcmp(schema_of(x), schema_of(y));
    return order ? order : strcmp(x->name, y->name);
}

/* The same tables are the same stream, in whatever order they were written. Targets follow their tables. */
static enum sc_result put_in_order(struct flow *f, struct sc_error *err)
{
    for (size_t i = 1; i < f->count; i++)
        for (size_t k = i; k > 0 && by_name(&f->described[k - 1], &f->described[k]) > 0; k--) {
            struct audit_table described = f->described[k];
            struct table table = f->tables[k];
            f->described[k] = f->described[k - 1];
            f->tables[k] = f->tables[k - 1];
            f->described[k - 1] = described;
            f->tables[k - 1] = table;
        }
    for (size_t i = 1; i < f->count; i++)
        if (by_name(&f->described[i - 1], &f->described[i]) == 0)
            return error_set(err, SC_REFUSE, "table %s.%s is named twice", schema_of(&f->described[i]),
                             f->described[i].name);
    return SC_OK;
}

static enum sc_result learn_tables(struct flow *f, struct sc_error *err)
{
    const struct audit_settings *s = f->config->settings;
    f->count = f->config->ntables;
    f->tables = arena_array(&f->arena, f->count, sizeof(*f->tables));
    f->described = arena_array(&f->arena, f->count, sizeof(*f->described));
    f->sources = arena_array(&f->arena, f->count, sizeof(*f->sources));
    f->standing = arena_array(&f->arena, f->count, sizeof(*f->standing));
    f->names = arena_array(&f->arena, 2 * f->count, sizeof(*f->names));
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < f->count && result == SC_OK; i++)
        result = learn(f, i, err);
    if (result == SC_OK)
        result = audit_rules_check(s->rules, f->described, f->count, err);
    if (result == SC_OK)
        result = put_in_order(f, err);
    for (size_t i = 0; i < f->count && result == SC_OK; i++) {
        struct source_config one;
        f->ops->source_config(f->tables[i].target, &one);
        f->sources[i] = one.tables[0];
        f->names[2 * i] = schema_of(&f->described[i]);
        f->names[2 * i + 1] = f->described[i].name;
        char *settings = audit_settings_text(s);
        f->tables[i].settings = mem_printf("%s; topic %s", settings, f->described[i].topic);
        mem_free(settings);
        f->standing[i] = (struct standing_table){.schema = f->names[2 * i],
                                                 .name = f->names[2 * i + 1],
                                                 .number = f->sources[i].id,
                                                 .settings = f->tables[i].settings};
    }
    return result;
}

/* --- begun, or gone on with
 * --------------------------------------------------------------------------------------------------- */

static void say_progress(void *arg, const char *text)
{
    (void)arg;
    log_info("%s", text);
}

static enum sc_result open_stored(struct flow *f, struct sc_error *err)
{
    struct standing_spec spec = {.url = f->config->url,
                                 .name = f->config->name,
                                 .tables = f->names,
                                 .ntables = f->count,
                                 .wait_ms = f->config->wait_ms,
                                 .progress = say_progress};
    return f->standing_ops->open(&spec, &f->stream, err);
}

static enum sc_result open_sink(struct flow *f, const char *id, const atomic_bool *stop, struct sc_error *err)
{
    const struct audit_settings *s = f->config->settings;
    struct audit_sink_config config = {.brokers = s->brokers,
                                       .properties = s->properties,
                                       .nproperties = s->nproperties,
                                       .stream = id,
                                       .timeout_ms = ANSWER_MS,
                                       .stop = stop};
    return audit_sink_open(&config, &f->sink, err);
}

/* Before anything is made on the server: is every topic there? */
static enum sc_result look_at_topics(struct flow *f, struct sc_error *err)
{
    enum sc_result result = open_sink(f, "", stop_flag(), err);
    for (size_t i = 0; i < f->count && result == SC_OK; i++) {
        struct audit_state *state = &f->standing[i].state;
        result = audit_sink_partitions(f->sink, f->described[i].topic, &state->partitions, err);
        if (result == SC_OK)
            state->heads = arena_array(&f->arena, (size_t)state->partitions, sizeof(*state->heads));
    }
    audit_sink_close(f->sink);
    f->sink = NULL;
    return result;
}

static enum sc_result begin(struct flow *f, struct sc_error *err)
{
    enum sc_result result = look_at_topics(f, err);
    if (result == SC_OK)
        result = f->standing_ops->begin(f->stream, f->standing, f->count, f->config->snapshot ? standing_copy : NULL, f,
                                        err);
    if (result != SC_OK)
        return result;
    log_info("stream %s is begun, and consumers know it as %s", f->config->name, f->standing_ops->id(f->stream));
    for (size_t i = 0; i < f->count; i++)
        log_info("table %s.%s goes to topic %s, %" PRId32 " partitions", f->names[2 * i], f->names[2 * i + 1],
                 f->described[i].topic, f->standing[i].state.partitions);
    return SC_OK;
}

static enum sc_result other_tables(const struct flow *f, struct sc_error *err)
{
    error_set(err, SC_REFUSE, "stream %s was begun with other tables", f->config->name);
    return error_hint(err, "Name the same ones, or give the stream of these another name (--audit-stream); "
                           "`seachange audit remove` removes one.");
}

/* What a consumer has read must go on as it began. */
static enum sc_result go_on(struct flow *f, const struct standing_table *stored, size_t count, struct sc_error *err)
{
    if (count != f->count)
        return other_tables(f, err);
    for (size_t i = 0; i < count; i++) {
        const struct standing_table *was = &stored[i], *is = &f->standing[i];
        if (strcmp(was->schema, is->schema) != 0 || strcmp(was->name, is->name) != 0)
            return other_tables(f, err);
        if (was->number != is->number) {
            error_set(err, SC_REFUSE, "table %s.%s is another one than stream %s was begun with", is->schema, is->name,
                      f->config->name);
            return error_hint(err, "What was changed in it since then is in no topic. Begin a stream of another name "
                                   "with it, or remove this one first (`seachange audit remove`).");
        }
        if (strcmp(was->settings, is->settings) != 0) {
            error_set(err, SC_REFUSE, "stream %s was begun with: %s. Now it is: %s", f->config->name, was->settings,
                      is->settings);
            return error_hint(err, "Consumers must be told the same way all the time. Brokers and properties may "
                                   "change; for anything else begin a stream of another name.");
        }
    }
    return SC_OK;
}

/* *states: of each table, where it stands. */
static enum sc_result begin_or_go_on(struct flow *f, struct audit_state **states, struct sc_error *err)
{
    const struct standing_table *stored;
    size_t count;
    f->standing_ops->stored(f->stream, &stored, &count);
    enum sc_result result = stored ? go_on(f, stored, count, err) : begin(f, err);
    if (result != SC_OK)
        return result;
    f->standing_ops->stored(f->stream, &stored, &count);
    *states = arena_array(&f->arena, f->count, sizeof(**states));
    for (size_t i = 0; i < f->count; i++)
        (*states)[i] = stored[i].state;
    return SC_OK;
}

/* --- the pipeline
 * --------------------------------------------------------------------------------------------------------- */

/* By the pump's thread. */
static enum sc_result store(void *arg, const struct audit_state *states, struct sc_error *err)
{
    struct flow *f = arg;
    enum sc_result result = f->standing_ops->store(f->stream, states, err);
    if (result == SC_OK && f->source)
        f->config->engine->source->confirm(f->source, &states[0].position);
    return result;
}

static enum sc_result open_spool(struct flow *f, struct sc_error *err)
{
    f->spool_dir = mem_printf("%s/seachange-audit-%s", f->config->spool_dir, f->standing_ops->id(f->stream));
    struct spool_config config = {.directory = f->spool_dir,
                                  .memory_bytes = f->config->spool_memory_bytes,
                                  .block_bytes = SPOOL_BLOCK_BYTES,
                                  .segment_bytes = SPOOL_SEGMENT_BYTES,
                                  .disk_bytes = f->config->spool_disk_bytes,
                                  .lock_wait_ms = SPOOL_LOCK_WAIT_MS,
                                  .record_bytes = SPOOL_RECORD_BYTES};
    return spool_open(&config, &f->spool, err);
}

static enum sc_result start_source(struct flow *f, struct sc_error *err)
{
    struct source_config config = {0};
    f->standing_ops->source(f->stream, &config);
    config.tables = f->sources;
    config.ntables = f->count;
    config.status_interval_ms = STATUS_INTERVAL_MS;
    config.give_up_ms = f->config->give_up_ms;
    return f->config->engine->source->start(&config, f->spool, &f->source, err);
}

static enum sc_result start_pump(struct flow *f, const struct audit_state *states, struct sc_error *err)
{
    struct audit_pump_config config = {.spool = f->spool,
                                       .sink = f->sink,
                                       .from = states,
                                       .stream = {.tables = f->described,
                                                  .ntables = f->count,
                                                  .version = SEACHANGE_VERSION,
                                                  .tombstones = f->config->settings->tombstones},
                                       .store = store,
                                       .store_arg = f,
                                       .store_ms = STORE_MS};
    config.stream.engine = f->ops->audit_engine(f->tables[0].target, &config.stream.server_id);
    return audit_pump_start(&config, &f->pump, err);
}

static enum sc_result flow_open(struct flow *f, struct sc_error *err)
{
    struct audit_state *states = NULL;
    enum sc_result result = learn_tables(f, err);
    if (result == SC_OK)
        result = open_stored(f, err);
    if (result == SC_OK)
        result = begin_or_go_on(f, &states, err);
    if (result == SC_OK)
        result = open_sink(f, f->standing_ops->id(f->stream), &f->stop, err);
    if (result == SC_OK)
        result = open_spool(f, err);
    if (result == SC_OK)
        result = start_source(f, err);
    if (result == SC_OK)
        result = start_pump(f, states, err);
    return result;
}

static void flow_close(struct flow *f)
{
    atomic_store(&f->stop, true);
    if (f->spool)
        spool_stop(f->spool);
    audit_pump_stop(f->pump);
    if (f->source)
        f->config->engine->source->stop(f->source);
    audit_sink_close(f->sink);
    spool_close(f->spool);
    if (f->spool_dir)
        rmdir(f->spool_dir);
    mem_free(f->spool_dir);
    if (f->stream)
        f->standing_ops->close(f->stream);
    for (size_t i = 0; f->tables && i < f->count; i++) {
        f->ops->session_close(f->tables[i].session);
        f->ops->close(f->tables[i].target);
        mem_free(f->tables[i].settings);
        audit_table_close(&f->described[i]);
    }
    arena_fini(&f->arena);
}

/* --- while it runs
 * ------------------------------------------------------------------------------------------------------------ */

static void show(struct flow *f, struct course *c)
{
    int64_t now = clock_us(), since_us = now - c->shown_us;
    if (f->config->progress_interval_ms == 0 || since_us < f->config->progress_interval_ms * 1000)
        return;
    struct audit_pump_stats pump;
    struct source_stats source;
    struct spool_stats spool;
    struct audit_sink_stats sink;
    audit_pump_stats(f->pump, &pump);
    f->config->engine->source->stats(f->source, &source);
    spool_stats(f->spool, &spool);
    audit_sink_stats(f->sink, &sink);
    struct buf line = {0};
    buf_printf(&line, "audit %s: ", f->config->name);
    human_exact(&line, pump.messages);
    buf_str(&line, " messages");
    if (c->shown_us)
        buf_printf(&line, ", %.0f/s", (double)(pump.messages - c->messages) * 1e6 / (double)since_us);
    buf_printf(&line, ", %" PRIu64 " under way", sink.queued);
    if (spool.memory_bytes + spool.disk_bytes > 0) {
        buf_str(&line, ", waiting ");
        human_bytes(&line, spool.memory_bytes + spool.disk_bytes);
    }
    buf_printf(&line, ", all before %s is in Kafka", pump.stored.text);
    if (!source.connected || source.full)
        buf_printf(&line, "; %s", source.state);
    if (sink.state[0])
        buf_printf(&line, "; Kafka: %s", sink.state);
    log_info("%s", buf_cstr(&line));
    buf_fini(&line);
    c->messages = pump.messages;
    c->shown_us = now;
}

static enum sc_result source_failure(struct flow *f, struct sc_error *err)
{
    struct source_stats stats;
    f->config->engine->source->stats(f->source, &stats);
    if (stats.failure.result == SC_OK)
        return SC_OK;
    *err = stats.failure;
    if (err->result == SC_FAIL || err->result == SC_REFUSE) {
        err->hint[0] = 0; /* what it says of a migration is not meant */
        error_hint(err, "Everything before it is in Kafka. Begin a stream of another name, with --audit-snapshot where "
                        "consumers need all rows, and remove this one (`seachange audit remove`).");
    }
    return err->result;
}

/* The reader's failure is the consumer's, too, behind all that was read before: what it has is sent first. */
static enum sc_result tick(struct flow *f, struct course *c, struct sc_error *err)
{
    enum sc_result result = audit_pump_check(f->pump, err);
    if (result != SC_OK) {
        struct sc_error source;
        if (source_failure(f, &source) != SC_OK)
            *err = source;
        else if (spool_unreadable(f->spool, &source) != SC_OK)
            *err = source; /* the server sends it again */
        return err->result;
    }
    int64_t now = clock_us();
    if (now - c->checked_us > CHECK_MS * 1000) {
        c->checked_us = now;
        result = f->standing_ops->check(f->stream, err);
    }
    show(f, c);
    return result;
}

static enum sc_result watch(struct flow *f, struct course *c, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    while (result == SC_OK && !stop_requested()) {
        result = tick(f, c, err);
        if (result == SC_OK)
            clock_sleep_ms(TICK_MS);
    }
    return result;
}

/* --- again and again
 * ----------------------------------------------------------------------------------------------------------- */

/* How far it has come, which is known also of one that has failed. */
static void note_place(struct flow *f, struct course *c)
{
    struct audit_pump_stats stats = {0};
    if (f->pump)
        audit_pump_stats(f->pump, &stats);
    if (stats.stored.order <= c->stored.order)
        return;
    c->stored = stats.stored;
    c->failed_here = false;
    c->trying_us = 0;
    backoff_reset(&c->backoff);
}

/* What is described anew may fit again: a table that was changed, say. At the same place of the log once only. */
static bool again(const struct flow *f, struct course *c, const struct sc_error *err)
{
    int64_t now = clock_us();
    if (err->result == SC_FAIL && !c->failed_here && c->stored.order > 0) {
        c->failed_here = true;
        return true;
    }
    if (err->result != SC_RETRY || stop_requested())
        return false;
    if (!c->trying_us)
        c->trying_us = now;
    return now - c->trying_us < f->config->give_up_ms * 1000;
}

static void rest(struct course *c)
{
    int64_t until_us = clock_us() + backoff_next_ms(&c->backoff) * 1000;
    while (clock_us() < until_us && !stop_requested())
        clock_sleep_ms(TICK_MS);
}

enum sc_result standing_run(const struct standing_config *config, struct sc_error *err)
{
    struct course course = {0};
    backoff_init(&course.backoff, AGAIN_FIRST_MS, AGAIN_MOST_MS);
    for (;;) {
        struct flow flow = {.config = config, .ops = config->engine->target, .standing_ops = config->engine->standing};
        error_init(err);
        enum sc_result result = flow_open(&flow, err);
        if (result == SC_OK) {
            log_info("stream %s (%s): reading the log", config->name, flow.standing_ops->id(flow.stream));
            result = watch(&flow, &course, err);
        }
        note_place(&flow, &course);
        bool once_more = result != SC_OK && again(&flow, &course, err);
        flow_close(&flow);
        if (once_more) {
            log_warn("audit: %s; trying again", err->what);
            rest(&course);
        }
        if (stop_requested() && (once_more || result == SC_OK || result == SC_STOP || result == SC_RETRY)) {
            log_info("stream %s is stopped; the same command goes on where it was", config->name);
            return SC_OK;
        }
        if (!once_more)
            return result;
    }
}

enum sc_result standing_forget(const struct standing_config *config, struct sc_error *err)
{
    struct flow flow = {.config = config, .ops = config->engine->target, .standing_ops = config->engine->standing};
    struct standing_spec spec = {.url = config->url, .name = config->name};
    error_init(err);
    enum sc_result result = flow.standing_ops->open(&spec, &flow.stream, err);
    if (result == SC_OK && !flow.standing_ops->id(flow.stream)[0])
        result = error_set(err, SC_REFUSE, "no stream %s is stored on this server", config->name);
    if (result == SC_OK)
        result = flow.standing_ops->remove(flow.stream, err);
    flow_close(&flow);
    return result;
}
