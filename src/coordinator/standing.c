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
#include "base/plant.h"
#include "base/stop.h"
#include "cdc/audit/pump.h"
#include "cdc/audit/standing.h"
#include "cdc/spool.h"
#include "coordinator/publish.h"
#include "coordinator/standing_flow.h"
#include "engines.h"

enum {
    ANSWER_MS = 10000, /* a broker that does not answer within this time is as good as none, for now */
    STORE_MS = 1000,
    TICK_MS = 50,
    CHECK_MS = 10000,
    GOOD_MS = 5000, /* what has run for so long has got on, also where nobody writes */
    STATUS_INTERVAL_MS = 1000,
    AGAIN_FIRST_MS = 500,
    AGAIN_MOST_MS = 10000,
};
#define FOR_EVER_MS (INT64_C(1) << 40)

/* What is known over several openings. */
struct course {
    struct position stored; /* as far as it had come at the last failure */
    bool failed_here;       /* for good, at that place */
    int64_t trying_us;      /* since when nothing got on; 0: it does */
    struct backoff backoff;
    int64_t opened_us;
    uint64_t messages; /* as last shown */
    int64_t shown_us, checked_us;
};

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

enum sc_result standing_open_sink(struct flow *f, const atomic_bool *stop, struct audit_sink **out,
                                  struct sc_error *err)
{
    const struct audit_settings *s = f->config->settings;
    const char *id = f->standing_ops->id(f->stream);
    char *transactional_id = f->config->transactions && id[0] ? mem_printf("seachange-%s", id) : NULL;
    struct audit_sink_config config = {.brokers = s->brokers,
                                       .properties = s->properties,
                                       .nproperties = s->nproperties,
                                       .stream = id,
                                       .transactional_id = transactional_id,
                                       .timeout_ms = ANSWER_MS,
                                       .stop = stop};
    enum sc_result result = audit_sink_open(&config, out, err);
    mem_free(transactional_id);
    return result;
}

static struct audit_heartbeat heartbeat_of(const struct flow *f)
{
    const struct audit_options *options = &f->config->settings->table;
    return (struct audit_heartbeat){
        .prefix = options->prefix, .with_schema = options->with_schema, .every_ms = f->config->heartbeat_ms};
}

/* Before anything is made on the server: is every topic there? */
static enum sc_result look_at_topics(struct flow *f, struct sc_error *err)
{
    enum sc_result result = standing_open_sink(f, stop_flag(), &f->sink, err);
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

/* Also of a stream that goes on: it may not have been wanted before. */
static enum sc_result look_for_heartbeats(struct flow *f, struct sc_error *err)
{
    struct audit_heartbeat heartbeat = heartbeat_of(f);
    int32_t partitions;
    if (!heartbeat.every_ms)
        return SC_OK;
    struct buf topic = {0};
    audit_heartbeat_topic(&topic, &heartbeat);
    enum sc_result result = audit_sink_partitions(f->sink, buf_cstr(&topic), &partitions, err);
    buf_fini(&topic);
    return result;
}

/* What was learnt of the tables is what they are at the stream's place, and where their rows were read. */
static enum sc_result behind_place(void *arg, struct sc_error *err)
{
    struct flow *f = arg;
    enum sc_result result = f->config->snapshot ? standing_copy(f, err) : SC_OK;
    return result == SC_OK ? standing_change_none(f, err) : result;
}

static enum sc_result begin(struct flow *f, struct sc_error *err)
{
    enum sc_result result = look_at_topics(f, err);
    if (result == SC_OK)
        result = f->standing_ops->begin(f->stream, f->standing, f->count,
                                        f->config->snapshot || f->sources[0].columns ? behind_place : NULL, f, err);
    if (result != SC_OK)
        return result;
    log_info("stream %s is begun, and consumers know it as %s", f->config->name, f->standing_ops->id(f->stream));
    if (f->describes_if)
        log_info("a change of one of its tables will end it; with %s it would go on", f->describes_if);
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

static size_t before_kept(const char *settings)
{
    const char *kept = standing_part(settings, STANDING_KEPT);
    return kept ? (size_t)(kept - settings) : strlen(settings);
}

/* Up to the form of its columns; of that: is it what it was? */
static bool same_settings(const char *was, const char *is, bool *same_form)
{
    const char *was_form = standing_form(was), *is_form = standing_form(is);
    *same_form = true;
    if (!was_form || !is_form) {
        /* Which columns have rules may become more. */
        size_t was_len = before_kept(was), is_len = before_kept(is);
        return was_len == is_len && strncmp(was, is, was_len) == 0;
    }
    size_t len = strlen(STANDING_FORM), digest = strcspn(is_form + len, ";");
    *same_form = strncmp(was_form, is_form, len + digest) == 0 || PLANTED(E8_FORM_NOT_COMPARED);
    return was_form - was == is_form - is && strncmp(was, is, (size_t)(is_form - is)) == 0;
}

/* What the log has may be of any form that it has had since. */
static enum sc_result other_form(struct flow *f, size_t i, const struct standing_table *was, struct sc_error *err)
{
    f->sources[i].told = true;
    const char *describes_if = f->describes_if;
    if (!describes_if && standing_change_read(f, i, was->settings))
        return SC_OK;
    error_set(err, SC_REFUSE, "table %s.%s has another form than when stream %s was begun", was->schema, was->name,
              f->config->name);
    return error_hint(err,
                      "This server's log does not tell what rows before that change look like. All before %.60s is "
                      "in Kafka, and of what stands between that and the change nothing can be sent any more. "
                      "Begin a stream of another name, with --audit-snapshot where consumers need all rows, and "
                      "remove this one (`seachange audit remove`).%s%s%s",
                      was->state.position.text, describes_if ? " With " : "", describes_if ? describes_if : "",
                      describes_if ? " streams go on over changes." : "");
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
        if (standing_change_check(f, i, was->settings, err) != SC_OK)
            return err->result;
        bool same_form;
        bool same = same_settings(was->settings, is->settings, &same_form);
        if (!same_form && other_form(f, i, was, err) != SC_OK)
            return err->result;
        if (!same) {
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
    if (!stored && f->goes_on) {
        error_set(err, SC_REFUSE, "what was stored of stream %s is gone", f->config->name);
        return error_hint(err,
                          "Somebody has removed it while it ran. Started again it begins anew, and what was changed "
                          "meanwhile is in no topic.");
    }
    enum sc_result result = stored ? go_on(f, stored, count, err) : begin(f, err);
    if (result != SC_OK)
        return result;
    f->standing_ops->stored(f->stream, &stored, &count);
    *states = arena_array(&f->arena, f->count, sizeof(**states));
    f->may_change = true;
    for (size_t i = 0; i < f->count; i++) {
        (*states)[i] = stored[i].state;
        f->may_change &= standing_change_read(f, i, stored[i].settings);
    }
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
    config.goes_on = f->may_change;
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
                                                  .version = AUDIT_VERSION,
                                                  .tombstones = f->config->settings->tombstones,
                                                  .describe = standing_change_describe,
                                                  .describe_arg = f},
                                       .store = store,
                                       .store_arg = f,
                                       .store_ms = STORE_MS,
                                       .drain_ms = FOR_EVER_MS,
                                       .commit_each = f->careful,
                                       .heartbeat = heartbeat_of(f)};
    config.stream.engine = f->ops->audit_engine(f->tables[0].target, &config.stream.server_id);
    return audit_pump_start(&config, &f->pump, err);
}

/* Tables are refused as they are now, before it is looked what the log still has of them. */
static void tell_unsent(struct flow *f, struct sc_error *err)
{
    struct standing_spec spec = {.url = f->config->url, .name = f->config->name};
    const struct standing_table *stored = NULL;
    struct sc_error ignored;
    size_t count;
    if (f->standing_ops->open(&spec, &f->stream, &ignored) == SC_OK)
        f->standing_ops->stored(f->stream, &stored, &count);
    if (!stored)
        return;
    struct sc_error was = *err;
    error_hint(err,
               "%.300s%sOf stream %s everything before %.60s is in Kafka. What was changed behind that is not, and is "
               "lost to it when the stream is removed.",
               was.hint, was.hint[0] ? " " : "", f->config->name, stored[0].state.position.text);
}

static enum sc_result flow_open(struct flow *f, struct sc_error *err)
{
    struct audit_state *states = NULL;
    enum sc_result result = standing_learn(f, err);
    if (result == SC_REFUSE)
        tell_unsent(f, err);
    if (result == SC_OK)
        result = open_stored(f, err);
    if (result == SC_OK)
        result = begin_or_go_on(f, &states, err);
    if (result == SC_OK)
        result = standing_open_sink(f, &f->stop, &f->sink, err);
    if (result == SC_OK)
        result = look_for_heartbeats(f, err);
    if (result == SC_OK)
        result = open_spool(f, err);
    if (result == SC_OK)
        result = start_source(f, err);
    if (result == SC_OK)
        result = start_pump(f, states, err);
    return result;
}

/* What is left can be opened again. */
static void flow_close(struct flow *f)
{
    const struct standing_config *config = f->config;
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
        f->ops->close(f->tables[i].target);
        mem_free(f->tables[i].settings);
        audit_table_close(&f->described[i]);
    }
    arena_fini(&f->arena);
    *f = (struct flow){.config = config, .ops = config->engine->target, .standing_ops = config->engine->standing};
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

/* What others see; `note`: what went wrong last, or "". */
static void publish(struct flow *f, const char *phase, const char *note)
{
    struct status s = {.lag_ms = -1, .eta_s = -1, .writers_held_ms = -1, .audit.lag_ms = -1};
    struct source_stats source = {0};
    if (f->source)
        f->config->engine->source->stats(f->source, &source);
    s.ready = s.reads_log = source.connected;
    publish_audit(&s.audit, f->sink, f->pump, f->spool);
    snprintf(s.engine, sizeof(s.engine), "%s", f->config->engine->name);
    size_t used = 0;
    for (size_t i = 0; i < f->config->ntables && used < sizeof(s.table); i++)
        used += (size_t)snprintf(s.table + used, sizeof(s.table) - used, "%s%s", i ? "," : "", f->config->tables[i]);
    snprintf(s.id, sizeof(s.id), "%s", f->stream ? f->standing_ops->id(f->stream) : "");
    snprintf(s.phase, sizeof(s.phase), "%s", phase);
    snprintf(s.note, sizeof(s.note), "%s", note[0] ? note : source.state);
    status_publish(&s);
}

/* What the reader says of a migration is not meant. */
static enum sc_result advise(struct flow *f, struct sc_error *err)
{
    struct audit_pump_stats stats;
    audit_pump_stats(f->pump, &stats);
    err->hint[0] = 0;
    if (!stats.drained)
        return error_hint(err,
                          "Not everything before it is in Kafka yet (all before %.60s is): run the same command again, "
                          "until it says that everything is.",
                          stats.stored.text);
    return error_hint(err,
                      "Everything before it is in Kafka. Begin a stream of another name, with --audit-snapshot where "
                      "consumers need all rows, and remove this one (`seachange audit remove`).");
}

static enum sc_result source_failure(struct flow *f, struct sc_error *err)
{
    struct source_stats stats;
    f->config->engine->source->stats(f->source, &stats);
    if (stats.failure.result == SC_OK)
        return SC_OK;
    *err = stats.failure;
    if (err->result == SC_FAIL || err->result == SC_REFUSE)
        advise(f, err);
    return err->result;
}

/* What the log has of the tables up to now is sent; then it ends with `err`. */
static enum sc_result end(struct flow *f, struct course *c, struct sc_error *err)
{
    struct sc_error failure;
    char marker[AUDIT_MARKER_TEXT];
    snprintf(marker, sizeof(marker), "end %" PRIx64, (uint64_t)clock_wall_us());
    log_warn("%s; sending what was changed before that", err->what);
    audit_pump_end(f->pump, marker);
    enum sc_result result = f->standing_ops->mark(f->stream, marker, &failure);
    while (result == SC_OK && !stop_requested()) {
        result = audit_pump_ended(f->pump, &failure);
        if (result == SC_OK) {
            err->hint[0] = 0;
            error_hint(err, "Everything that was changed before is in Kafka. Begin a stream of another name, with "
                            "--audit-snapshot where consumers need all rows, and remove this one (`seachange audit "
                            "remove`).");
            return err->result;
        }
        result = result == SC_RETRY ? SC_OK : result;
        publish(f, "end", err->what);
        show(f, c);
        clock_sleep_ms(TICK_MS);
    }
    err->hint[0] = 0;
    error_hint(err, "Not everything that was changed before is in Kafka; the replication slot still has it.");
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
        else if ((err->result == SC_FAIL || err->result == SC_REFUSE) && !err->hint[0])
            advise(f, err);
        return err->result;
    }
    int64_t now = clock_us();
    if (now - c->checked_us > CHECK_MS * 1000) {
        c->checked_us = now;
        result = f->standing_ops->check(f->stream, err);
        if (result == SC_REFUSE && f->standing_ops->mark)
            return end(f, c, err);
    }
    if (result == SC_OK && now - c->opened_us > GOOD_MS * 1000) {
        c->trying_us = 0;
        backoff_reset(&c->backoff);
    }
    struct source_stats source;
    f->config->engine->source->stats(f->source, &source);
    audit_pump_cut_off(f->pump, !source.connected);
    publish(f, "stream", "");
    show(f, c);
    return result;
}

static enum sc_result watch(struct flow *f, struct course *c, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    c->opened_us = clock_us();
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
        struct flow flow = {.config = config,
                            .ops = config->engine->target,
                            .standing_ops = config->engine->standing,
                            .goes_on = course.stored.order > 0,
                            .careful = course.failed_here};
        error_init(err);
        publish(&flow, "begin", "");
        enum sc_result result = flow_open(&flow, err);
        if (result == SC_OK) {
            log_info("stream %s (%s): reading the log", config->name, flow.standing_ops->id(flow.stream));
            result = watch(&flow, &course, err);
        }
        note_place(&flow, &course);
        bool once_more = result != SC_OK && again(&flow, &course, err);
        flow_close(&flow);
        if (once_more) {
            publish(&flow, "retry", err->what);
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
    struct standing_spec spec = {.url = config->url, .name = config->name, .removing = true};
    error_init(err);
    enum sc_result result = flow.standing_ops->open(&spec, &flow.stream, err);
    if (result == SC_OK && !flow.standing_ops->id(flow.stream)[0])
        result = error_set(err, SC_REFUSE, "no stream %s is stored on this server", config->name);
    if (result == SC_OK)
        result = flow.standing_ops->remove(flow.stream, err);
    flow_close(&flow);
    return result;
}
