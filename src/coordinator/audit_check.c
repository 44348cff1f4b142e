#include "coordinator/audit_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cdc/audit/reader.h"
#include "engines.h"

/* So far back a repetition is compared message by message, in each partition; further back as a whole. */
#define REMEMBER 20000

struct check {
    const struct audit_check_config *config;
    struct audit_checked *out;
    const struct target_ops *ops; /* NULL: the topic alone */
    struct target *target;
    struct session *session;
    struct arena arena;
    struct audit_table table;
    struct audit_stored stored;
    bool kept;
    const char *stream; /* the one to check, as messages name it; NULL: the only one there is */
    struct audit_reader *reader;
    struct buf key, row;

    /* One pass. */
    struct audit_slice slice;
    struct audit_proof *proof; /* NULL: no message of a stream yet */
    struct audit_fold *fold;
    int64_t *next; /* of each partition: the offset behind the last message */
    uint64_t read;
    bool ended_early; /* the slice is too large */
};

/* --- the table
 * ------------------------------------------------------------------------------------------------------------ */

/* Where a migration's stream stood; it may have ended, and then nothing is stored any more. */
static enum sc_result load_migration(struct check *c, struct sc_error *err)
{
    struct migration *migration = c->ops->migration(c->target);
    bool found = false;
    if (strlen(c->config->stream) >= sizeof(migration->id))
        return SC_OK;
    snprintf(migration->id, sizeof(migration->id), "%s", c->config->stream);
    enum sc_result result = c->ops->audit_load(c->session, &c->arena, &c->stored, &found, err);
    c->kept = found && c->stored.state.partitions > 0;
    if (c->kept && c->stored.gap)
        c->out->gap = mem_strdup(c->stored.gap);
    return result;
}

/* A standing stream may be named, too; its messages have its id. */
static enum sc_result load_standing(struct check *c, struct sc_error *err)
{
    struct standing_place place = {0};
    bool found = false;
    enum sc_result result = c->config->engine->standing->look(c->config->spec.url, c->config->stream,
                                                              c->table.schema ? c->table.schema : c->table.catalog,
                                                              c->table.name, &c->arena, &place, &found, err);
    if (result != SC_OK || !found)
        return result;
    c->kept = true;
    c->stored = (struct audit_stored){.state = place.state};
    c->stream = place.id;
    return SC_OK;
}

static void load_stored(struct check *c)
{
    struct sc_error err;
    error_init(&err);
    if (!c->config->stream)
        return;
    enum sc_result result = load_migration(c, &err);
    if (result == SC_OK && !c->kept)
        result = load_standing(c, &err);
    if (result != SC_OK)
        log_warn("where stream %s stood is not known: %s", c->config->stream, err.what);
}

/* In the form without schemas: these bytes stand in the other one, too. */
static enum sc_result open_table(struct check *c, struct sc_error *err)
{
    struct audit_options options = c->config->settings->table;
    options.with_schema = false;
    c->ops = c->config->engine->target;
    enum sc_result result = c->ops->open(&c->config->spec, &c->target, err);
    if (result == SC_OK)
        result = c->ops->audit_open(c->target, err);
    if (result == SC_OK)
        result = c->ops->session_open(c->target, "audit", &c->session, err);
    if (result == SC_OK)
        result = c->ops->audit_describe(c->session, &options, &c->arena, &c->table, err);
    if (result == SC_OK)
        result = audit_rules_apply(c->config->settings->rules, &c->table, &c->arena, err);
    if (result == SC_OK)
        result = audit_table_prepare(&c->table, &c->arena, err);
    if (result == SC_FAIL) {
        result = err->result = SC_REFUSE;
        error_wrap(err, "the table cannot be read");
    }
    if (result != SC_OK)
        return result;
    c->out->table = mem_printf("%s.%s", c->table.schema ? c->table.schema : c->table.catalog, c->table.name);
    load_stored(c);
    return SC_OK;
}

/* --- one pass over the topic
 * ---------------------------------------------------------------------------------------------- */

static bool is_stream(const char *stream, const struct audit_received *m)
{
    return m->stream_len == strlen(stream) && memcmp(m->stream, stream, m->stream_len) == 0;
}

/* The first one that is met, unless one was named. */
static enum sc_result choose_stream(struct check *c, const struct audit_received *m, struct sc_error *err)
{
    if (!m->stream)
        return SC_OK;
    if (c->out->stream && !c->stream && !is_stream(c->out->stream, m)) {
        error_set(err, SC_REFUSE, "topic %s has messages of more than one stream: %s and %.*s", c->out->topic,
                  c->out->stream, m->stream_len > 60 ? 60 : (int)m->stream_len, m->stream);
        return error_hint(err, "Name the one to check with --audit-stream; a migration's is named as its id.");
    }
    if (!c->out->stream)
        c->out->stream = mem_strndup(m->stream, m->stream_len);
    if (!c->proof && is_stream(c->out->stream, m))
        c->proof = audit_proof_new(c->out->stream, c->kept ? c->stored.state.partitions : c->out->partitions,
                                   c->kept ? &c->stored.state : NULL, REMEMBER);
    return SC_OK;
}

/* What is not there any more says why the rest does not fit. */
static enum sc_result explain_gap(const struct check *c, const struct audit_received *m, struct sc_error *err)
{
    int64_t from = c->next[m->partition];
    if (err->result != SC_FAIL || m->offset <= from)
        return err->result;
    struct sc_error was = *err;
    error_set(err, SC_FAIL, "%.700s. Offsets %" PRId64 " to %" PRId64 " in front of it are not there any more",
              was.what, from, m->offset - 1);
    return error_hint(err,
                      "Retention or compaction of the topic has removed them, or somebody has: from there on nothing "
                      "can be proven. A topic for an audit needs cleanup.policy=delete and a retention that is "
                      "longer than the audit is needed.");
}

static enum sc_result take_message(void *arg, const struct audit_received *m, struct sc_error *err)
{
    struct check *c = arg;
    c->read++;
    enum sc_result result = choose_stream(c, m, err);
    enum audit_verdict verdict = AUDIT_OTHER;
    if (result == SC_OK && c->proof) {
        result = audit_proof_take(c->proof, m, &verdict, err);
        if (result != SC_OK)
            return explain_gap(c, m, err);
    } else if (result == SC_OK) {
        c->out->proven.others++; /* so far; the proof counts the rest */
    }
    c->next[m->partition] = m->offset + 1;
    if (result == SC_OK && verdict == AUDIT_NEW)
        result = audit_fold_take(c->fold, m, err);
    if (result == SC_OK && c->out->passes > 1 && audit_fold_full(c->fold)) {
        c->ended_early = true;
        return error_set(err, SC_REFUSE, "the slice is too large");
    }
    return result;
}

static enum sc_result count_is_right(const struct check *c, struct sc_error *err)
{
    int64_t want = c->config->messages;
    uint64_t last = c->out->proven.last;
    if (want < 0 || last == (uint64_t)want)
        return SC_OK;
    error_set(err, SC_FAIL, "%" PRId64 " messages were sent, and the topic has %" PRIu64, want, last);
    return error_hint(err, last < (uint64_t)want ? "The end of the topic was cut off, or has expired."
                                                 : "More were sent than is known: is it the right number and stream?");
}

static enum sc_result end_proof(struct check *c, struct sc_error *err)
{
    uint64_t before = c->out->proven.others;
    enum sc_result result = SC_OK;
    if (c->proof) {
        result = audit_proof_end(c->proof, &c->out->proven, err);
        c->out->proven.others += before;
    } else if (c->kept && c->stored.state.sequence > 0) {
        result = error_set(err, SC_FAIL, "%" PRIu64 " messages were acknowledged, and the topic has none of them",
                           c->stored.state.sequence);
    } else if (c->config->messages < 0) {
        error_set(err, SC_REFUSE, "topic %s has no message of %s%s", c->out->topic,
                  c->stream ? "stream " : "any stream", c->stream ? c->stream : "");
        return error_hint(err, "Nothing was proven. Where nothing was sent, --audit-messages 0 says so.");
    }
    if (result == SC_OK)
        result = count_is_right(c, err);
    const struct audit_topic *topic = audit_reader_topic(c->reader);
    for (int32_t p = 0; p < topic->partitions && result == SC_FAIL; p++)
        if (topic->low[p] > 0) {
            struct sc_error was = *err;
            error_set(err, SC_FAIL,
                      "%.700s. Partition %" PRId32 " begins at offset %" PRId64 ": what was before it was "
                      "removed",
                      was.what, p, topic->low[p]);
            return error_hint(err, "Retention has removed it, or somebody has.");
        }
    return result;
}

static void end_pass(struct check *c)
{
    audit_proof_free(c->proof);
    audit_fold_free(c->fold);
    c->proof = NULL;
    c->fold = NULL;
}

/* Each pass proves all of the topic anew: what is compared with the table is what was proven. */
static enum sc_result begin_pass(struct check *c, struct sc_error *err)
{
    int32_t partitions = c->out->partitions;
    c->out->passes++;
    c->out->proven = (struct audit_proven){0};
    c->read = 0;
    c->ended_early = false;
    memset(c->next, 0, (size_t)partitions * sizeof(*c->next));
    c->fold = audit_fold_new(partitions, c->config->memory_bytes, c->slice);
    enum sc_result result = audit_reader_read(c->reader, take_message, c, err);
    if (result != SC_OK && c->ended_early)
        return SC_OK;
    if (result == SC_OK)
        result = end_proof(c, err);
    c->out->read = c->read;
    return result;
}

/* --- the table against it
 * ------------------------------------------------------------------------------------------------- */

static void found(struct audit_checked *out, enum audit_row verdict, const struct audit_place *place)
{
    if (out->nplaces == AUDIT_FOUND_PLACES)
        return;
    out->places[out->nplaces].verdict = verdict;
    out->places[out->nplaces++].place = *place;
}

static void found_missing(void *arg, const struct audit_place *place)
{
    struct audit_checked *out = arg;
    out->missing++;
    found(out, AUDIT_ROW_MISSING, place);
}

static enum sc_result take_row(void *arg, const struct value *row, struct sc_error *err)
{
    struct check *c = arg;
    struct audit_checked *out = c->out;
    struct audit_place place;
    buf_clear(&c->key);
    buf_clear(&c->row);
    enum sc_result result = audit_write_key(&c->key, &c->table, row, err);
    if (result == SC_OK)
        result = audit_write_row(&c->row, &c->table, row, err);
    if (result != SC_OK)
        return result;
    enum audit_row verdict = audit_fold_compare(c->fold, c->key.data, c->key.len, c->row.data, c->row.len, &place);
    uint64_t *const counts[] = {
        [AUDIT_ROW_SAME] = &out->same,   [AUDIT_ROW_DIFFERENT] = &out->different, [AUDIT_ROW_REMOVED] = &out->removed,
        [AUDIT_ROW_NEVER] = &out->never, [AUDIT_ROW_PARTIAL] = &out->partial,     [AUDIT_ROW_MISSING] = NULL,
    };
    if (verdict == AUDIT_ROW_ELSEWHERE)
        return SC_OK;
    out->table_rows++;
    if (verdict == AUDIT_ROW_UNKNOWN)
        return SC_OK;
    ++*counts[verdict];
    out->covered += verdict != AUDIT_ROW_PARTIAL;
    if (verdict != AUDIT_ROW_SAME && verdict != AUDIT_ROW_PARTIAL)
        found(out, verdict, &place);
    return SC_OK;
}

static enum sc_result compare_slice(struct check *c, struct sc_error *err)
{
    enum sc_result result = c->ops->audit_rows(c->session, NULL, take_row, c, err);
    if (result == SC_FAIL) { /* of the server: of the trail nothing is known by it */
        result = err->result = SC_REFUSE;
        error_wrap(err, "the table cannot be compared");
    }
    if (result == SC_OK)
        audit_fold_rest(c->fold, found_missing, c->out);
    return result;
}

static void add_folded(struct check *c)
{
    struct audit_folded part, *sum = &c->out->folded;
    audit_fold_result(c->fold, &part);
    sum->set += part.set;
    sum->removed += part.removed;
    sum->keys += part.keys;
    sum->rows += part.rows;
    sum->partial += part.partial;
    sum->truncated = part.truncated;
    sum->tombstones = part.tombstones;
    sum->whole = part.whole;
}

/* Slice by slice; one that has more keys than there is room for is cut in two. */
static enum sc_result check_slices(struct check *c, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    while (result == SC_OK && c->slice.index < 1u << c->slice.bits) {
        result = begin_pass(c, err);
        bool full = c->ended_early || (c->fold && audit_fold_full(c->fold));
        if (result == SC_OK && full && !c->ops) {
            end_pass(c);
            return SC_OK; /* proven; how many keys there are is not known */
        }
        if (result == SC_OK && full && c->slice.bits == AUDIT_SLICE_BITS)
            result = error_set(err, SC_REFUSE, "--audit-memory is too small for so many keys");
        if (result == SC_OK && full) {
            c->slice.bits++;
            c->slice.index *= 2;
        } else if (result == SC_OK) {
            add_folded(c);
            if (c->ops)
                result = compare_slice(c, err);
            c->slice.index++;
        }
        end_pass(c);
    }
    c->out->counted = result == SC_OK;
    c->out->compared = result == SC_OK && c->ops;
    return result;
}

static enum sc_result judge(const struct audit_checked *out, struct sc_error *err)
{
    uint64_t differ = out->different + out->removed + out->missing + out->never;
    if (!out->compared || differ == 0)
        return SC_OK;
    error_set(err, SC_FAIL, "%" PRIu64 " rows of %s are not what the topic says", differ, out->table);
    if (out->covered == 0)
        return error_hint(err, "No row is: is it the right table, with the key and the rules (--audit-columns, "
                               "--audit-decimals) of the migration?");
    return error_hint(err,
                      "The trail itself is whole. What was written since it ended, or while it was checked, counts as "
                      "different, too.");
}

/* --- all of it
 * ------------------------------------------------------------------------------------------------------------ */

static enum sc_result open_topic(struct check *c, struct sc_error *err)
{
    const struct audit_settings *s = c->config->settings;
    const char *topic = s->topic ? s->topic : c->table.topic;
    struct audit_reader_config config = {.brokers = s->brokers,
                                         .properties = s->properties,
                                         .nproperties = s->nproperties,
                                         .topic = topic,
                                         .timeout_ms = c->config->timeout_ms};
    c->out->topic = mem_strdup(topic);
    enum sc_result result = audit_reader_open(&config, &c->reader, err);
    if (result != SC_OK)
        return result;
    c->out->partitions = audit_reader_topic(c->reader)->partitions;
    c->out->kept = c->kept;
    c->out->stream = mem_strdup(c->stream);
    c->next = arena_array(&c->arena, (size_t)c->out->partitions, sizeof(*c->next));
    return SC_OK;
}

enum sc_result audit_check(const struct audit_check_config *config, struct audit_checked *out, struct sc_error *err)
{
    struct check c = {.config = config, .out = out, .stream = config->stream};
    int64_t began_us = clock_us();
    *out = (struct audit_checked){0};
    /* Where the stream stood is asked first: the topic has come to it by now. */
    enum sc_result result = config->engine ? open_table(&c, err) : SC_OK;
    if (result == SC_OK)
        result = open_topic(&c, err);
    if (result == SC_OK)
        result = check_slices(&c, err);
    end_pass(&c);
    audit_reader_close(c.reader);
    audit_table_close(&c.table);
    if (c.session)
        c.ops->session_close(c.session);
    if (c.target)
        c.ops->close(c.target);
    buf_fini(&c.key);
    buf_fini(&c.row);
    arena_fini(&c.arena);
    out->duration_ms = (clock_us() - began_us) / 1000;
    return result == SC_OK ? judge(out, err) : result;
}

void audit_checked_fini(struct audit_checked *checked)
{
    mem_free(checked->topic);
    mem_free(checked->stream);
    mem_free(checked->table);
    mem_free(checked->gap);
}

const char *audit_row_says(enum audit_row verdict)
{
    switch (verdict) {
    case AUDIT_ROW_DIFFERENT:
        return "is another one in the table";
    case AUDIT_ROW_REMOVED:
        return "was removed, and is in the table";
    case AUDIT_ROW_MISSING:
        return "is not in the table";
    case AUDIT_ROW_NEVER:
        return "is in the table, and in no message";
    case AUDIT_ROW_SAME:
    case AUDIT_ROW_UNKNOWN:
    case AUDIT_ROW_PARTIAL:
    case AUDIT_ROW_ELSEWHERE:
        break;
    }
    return "";
}
