#include "cdc/audit/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"

struct audit_stream {
    struct audit_stream_config config;
    struct audit_state state;
    struct audit_hash *heads; /* behind the last message; state.heads: behind the last whole transaction */
    uint64_t sequence;
    uint64_t total; /* unless config.total counts */

    const struct audit_table *table; /* of the relation that came last */
    uint16_t ncolumns;
    struct audit_table told; /* by the last RELATION that was told: */
    struct arena told_arena;
    struct buf told_by;        /* ... encoded */
    bool altered, undescribed; /* the table was changed; and nothing has described it since */
    bool in_transaction, skip;
    struct audit_origin origin;
    struct position at;
    struct buf source, transaction, key, other_key, value;
};

bool audit_state_read(struct audit_state *out, struct arena *arena, const char *sequence, const char *partitions,
                      const char *heads)
{
    if (!sequence || !partitions || !heads || *sequence < '0' || *sequence > '9')
        return false;
    char *end_sequence, *end_partitions;
    long count = strtol(partitions, &end_partitions, 10);
    out->sequence = strtoull(sequence, &end_sequence, 10);
    if (*end_sequence || *end_partitions || count <= 0 || (size_t)count > strlen(heads))
        return false;
    out->partitions = (int32_t)count;
    out->heads = arena_array(arena, (size_t)count, sizeof(*out->heads));
    return audit_heads_parse(heads, out->heads, out->partitions);
}

struct audit_stream *audit_stream_new(const struct audit_stream_config *config, const struct audit_state *state)
{
    assert(state->partitions > 0);
    struct audit_stream *s = mem_alloc(sizeof(*s));
    size_t count = (size_t)state->partitions;
    s->config = *config;
    s->state = *state;
    s->state.heads = mem_array(count, sizeof(*s->heads));
    s->heads = mem_array(count, sizeof(*s->heads));
    if (state->heads) {
        memcpy(s->state.heads, state->heads, count * sizeof(*s->heads));
        memcpy(s->heads, state->heads, count * sizeof(*s->heads));
    }
    s->sequence = state->sequence;
    s->altered = state->altered;
    return s;
}

static void forget_told(struct audit_stream *s)
{
    audit_table_close(&s->told);
    s->told = (struct audit_table){0};
    arena_reset(&s->told_arena);
    buf_clear(&s->told_by);
}

void audit_stream_free(struct audit_stream *s)
{
    if (!s)
        return;
    forget_told(s);
    arena_fini(&s->told_arena);
    buf_fini(&s->told_by);
    buf_fini(&s->source);
    buf_fini(&s->transaction);
    buf_fini(&s->key);
    buf_fini(&s->other_key);
    buf_fini(&s->value);
    mem_free(s->state.heads);
    mem_free(s->heads);
    mem_free(s);
}

const struct audit_state *audit_stream_state(const struct audit_stream *s)
{
    return &s->state;
}

uint64_t audit_stream_sequence(const struct audit_stream *s)
{
    return s->sequence;
}

/* --- messages
 * ------------------------------------------------------------------------------------------------------------- */

/* Numbers the message, hashes it, and hands it on. */
static enum sc_result send(struct audit_stream *s, struct audit_message *m, struct sc_error *err)
{
    m->table = s->table;
    m->sequence = ++s->sequence;
    m->position = s->at.text;
    audit_chain(&s->heads[m->partition], m->sequence, m->key ? m->key : "", m->key_len, m->value, m->value_len);
    m->hash = s->heads[m->partition];
    return s->config.send(s->config.arg, m, err);
}

static enum sc_result make_value(struct audit_stream *s, enum audit_op op, const struct value *before,
                                 const struct value *after, struct sc_error *err)
{
    uint64_t *total = s->config.total ? s->config.total : &s->total;
    s->origin.order++;
    ++*total;
    buf_clear(&s->source);
    s->config.engine->write_source(&s->source, s->table, &s->origin);
    struct audit_event event = {.op = op,
                                .before = before,
                                .after = after,
                                .source = buf_cstr(&s->source),
                                .transaction = op == AUDIT_READ ? NULL : buf_cstr(&s->transaction),
                                .order = s->origin.order,
                                .total_order = *total,
                                .commit_us = s->origin.commit_us};
    buf_clear(&s->value);
    return audit_write_value(&s->value, s->table, &event, err);
}

static enum sc_result make_key(struct buf *key, const struct audit_stream *s, const struct value *row,
                               struct sc_error *err)
{
    buf_clear(key);
    return audit_write_key(key, s->table, row, err);
}

/* What s->value says of the row with s->key; `header` names what s->other_key is. */
static enum sc_result send_row(struct audit_stream *s, const char *header, struct sc_error *err)
{
    struct audit_message m = {.partition = audit_partition(s->key.data, s->key.len, s->state.partitions),
                              .key = s->key.data,
                              .key_len = s->key.len,
                              .value = s->value.data,
                              .value_len = s->value.len,
                              .other_key_header = header,
                              .other_key = s->other_key.data,
                              .other_key_len = s->other_key.len};
    return send(s, &m, err);
}

static enum sc_result send_tombstone(struct audit_stream *s, struct sc_error *err)
{
    if (!s->config.tombstones)
        return SC_OK;
    struct audit_message m = {.partition = audit_partition(s->key.data, s->key.len, s->state.partitions),
                              .key = s->key.data,
                              .key_len = s->key.len};
    return send(s, &m, err);
}

static enum sc_result send_deleted(struct audit_stream *s, const struct value *row, const char *header,
                                   struct sc_error *err)
{
    enum sc_result result = make_value(s, AUDIT_DELETE, row, NULL, err);
    if (result == SC_OK)
        result = send_row(s, header, err);
    if (result == SC_OK)
        result = send_tombstone(s, err);
    return result;
}

static enum sc_result deleted(struct audit_stream *s, const struct change *change, struct sc_error *err)
{
    enum sc_result result = make_key(&s->key, s, change->old_row, err);
    return result == SC_OK ? send_deleted(s, change->old_row, NULL, err) : result;
}

static enum sc_result inserted(struct audit_stream *s, const struct change *change, struct sc_error *err)
{
    enum sc_result result = make_key(&s->key, s, change->new_row, err);
    if (result == SC_OK)
        result = make_value(s, AUDIT_CREATE, NULL, change->new_row, err);
    return result == SC_OK ? send_row(s, NULL, err) : result;
}

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* As bytes: for consumers a key in other letters is another key, whatever the server's collation says. */
static enum sc_result moved(struct audit_stream *s, const struct change *change, struct sc_error *err)
{
    enum sc_result result = make_key(&s->key, s, change->old_row, err);
    if (result == SC_OK)
        result = make_key(&s->other_key, s, change->new_row, err);
    if (result == SC_OK)
        result = send_deleted(s, change->old_row, "__debezium.newkey", err);
    if (result != SC_OK)
        return result;
    struct buf was = s->key;
    s->key = s->other_key;
    s->other_key = was;
    result = make_value(s, AUDIT_CREATE, NULL, change->new_row, err);
    return result == SC_OK ? send_row(s, "__debezium.oldkey", err) : result;
}

static enum sc_result updated(struct audit_stream *s, const struct change *change, struct sc_error *err)
{
    enum sc_result result = make_key(&s->key, s, change->new_row, err);
    if (result == SC_OK && change->old_row) {
        result = make_key(&s->other_key, s, change->old_row, err);
        if (result == SC_OK && !same(&s->key, &s->other_key))
            return moved(s, change, err);
    }
    if (result == SC_OK)
        result = make_value(s, AUDIT_UPDATE, change->old_row, change->new_row, err);
    return result == SC_OK ? send_row(s, NULL, err) : result;
}

static enum sc_result truncated(struct audit_stream *s, struct sc_error *err)
{
    enum sc_result result = make_value(s, AUDIT_TRUNCATE, NULL, NULL, err);
    for (int32_t p = 0; p < s->state.partitions && result == SC_OK; p++) {
        struct audit_message m = {.partition = p, .value = s->value.data, .value_len = s->value.len};
        result = send(s, &m, err);
    }
    return result;
}

/* --- changes
 * -------------------------------------------------------------------------------------------------------------- */

/* `whole`: old images have all columns, and not those of the key alone. */
static bool same_column(const struct audit_column *ours, const struct relation_column *in_log, bool whole)
{
    if (in_log->name && strcmp(in_log->name, ours->name) != 0)
        return false;
    if (ours->key && !in_log->key && !whole)
        return false;
    return !ours->log_type || (ours->log_type == in_log->type && ours->log_modifier == in_log->modifier);
}

/* It comes again wherever rows of another table were in between. */
static enum sc_result told(struct audit_stream *s, const struct relation *r, struct sc_error *err)
{
    struct buf encoded = {0};
    change_encode(&encoded, &(struct change){.kind = CHANGE_RELATION, .relation = *r});
    bool same_again = encoded.len == s->told_by.len && memcmp(encoded.data, s->told_by.data, encoded.len) == 0;
    const struct audit_table *known = s->table;
    s->table = NULL;
    enum sc_result result = SC_OK;
    if (!same_again) {
        forget_told(s);
        result = s->config.describe
                     ? s->config.describe(s->config.describe_arg, known, r, &s->told_arena, &s->told, err)
                     : error_set(err, SC_FAIL, "table %s.%s came with a description that nobody asked for", r->schema,
                                 r->name);
        if (result == SC_OK)
            buf_bytes(&s->told_by, encoded.data, encoded.len);
    }
    buf_fini(&encoded);
    if (result == SC_OK)
        s->table = &s->told;
    return result;
}

static enum sc_result relation(struct audit_stream *s, const struct relation *r, struct sc_error *err)
{
    s->table = NULL;
    for (size_t i = 0; i < s->config.ntables && !s->table; i++) {
        if (audit_table_is(&s->config.tables[i], r->schema, r->name))
            s->table = &s->config.tables[i];
    }
    if (!s->table)
        return error_set(err, SC_FAIL, "the log has changes of table %s.%s, which was not asked for", r->schema,
                         r->name);
    s->ncolumns = r->ncolumns;
    s->undescribed = r->altered;
    s->altered |= r->altered;
    if (r->altered)
        return SC_OK;
    if (r->told)
        return told(s, r, err);
    char identity = s->table->identity;
    bool whole = !identity || r->identity == 'f';
    bool fits = r->ncolumns == s->table->ncolumns && (!identity || identity == r->identity);
    for (size_t i = 0; i < s->table->ncolumns && fits; i++)
        fits = same_column(&s->table->columns[i], &r->columns[i], whole);
    if (fits)
        return SC_OK;
    return error_set(err, SC_FAIL,
                     "table %s.%s has other columns, types, or another key, in the log than in the catalog", r->schema,
                     r->name);
}

static void begin(struct audit_stream *s, const struct change *change)
{
    s->in_transaction = true;
    s->total = 0;
    s->skip = change->position.order < s->state.position.order && !PLANTED(E6_SENT_ONES_NOT_PASSED_OVER);
    s->at = change->position;
    s->origin = (struct audit_origin){.version = s->config.version,
                                      .server_id = s->config.server_id,
                                      .at = &s->at,
                                      .xid = change->xid,
                                      .commit_us = change->commit_us};
    buf_clear(&s->transaction);
    s->config.engine->write_transaction(&s->transaction, &s->origin);
}

static void commit(struct audit_stream *s, const struct change *change)
{
    s->in_transaction = false;
    if (s->skip)
        return;
    s->state.position = change->position;
    audit_stream_settle(s);
}

void audit_stream_settle(struct audit_stream *s)
{
    s->state.sequence = s->sequence;
    s->state.altered = s->altered;
    memcpy(s->state.heads, s->heads, (size_t)s->state.partitions * sizeof(*s->heads));
}

void audit_stream_pass(struct audit_stream *s, const struct position *behind)
{
    if (behind->order <= s->state.position.order)
        return;
    s->state.position = *behind;
    s->state.altered = s->altered;
}

static enum sc_result row(struct audit_stream *s, const struct change *change, struct sc_error *err)
{
    if (s->skip)
        return SC_OK;
    if (!s->in_transaction || !s->table || (change->kind != CHANGE_TRUNCATE && change->ncolumns != s->ncolumns))
        return error_set(err, SC_FAIL, "a change came without its transaction or its table");
    if (s->undescribed && (change->kind != CHANGE_TRUNCATE || s->table->with_schema))
        return error_set(err, SC_FAIL,
                         "table %s was changed, and the log has a TRUNCATE of it before it says what its columns are",
                         s->table->name);
    switch (change->kind) {
    case CHANGE_INSERT:
        return inserted(s, change, err);
    case CHANGE_UPDATE:
        return updated(s, change, err);
    case CHANGE_DELETE:
        return deleted(s, change, err);
    default:
        return truncated(s, err);
    }
}

enum sc_result audit_stream_take(struct audit_stream *s, const struct change *change, struct sc_error *err)
{
    switch (change->kind) {
    case CHANGE_RELATION:
        return relation(s, &change->relation, err);
    case CHANGE_BEGIN:
        begin(s, change);
        return SC_OK;
    case CHANGE_COMMIT:
        commit(s, change);
        return SC_OK;
    case CHANGE_MARKER:
        return SC_OK;
    case CHANGE_INSERT:
    case CHANGE_UPDATE:
    case CHANGE_DELETE:
    case CHANGE_TRUNCATE:
        return row(s, change, err);
    }
    return error_set(err, SC_FAIL, "a change of unknown kind %d", (int)change->kind);
}

enum sc_result audit_stream_snapshot(struct audit_stream *s, const struct audit_table *table,
                                     const struct value *values, int64_t now_us, struct sc_error *err)
{
    s->table = table;
    s->at = s->state.position;
    s->origin = (struct audit_origin){.version = s->config.version,
                                      .server_id = s->config.server_id,
                                      .at = &s->at,
                                      .commit_us = now_us,
                                      .snapshot = true};
    enum sc_result result = make_key(&s->key, s, values, err);
    if (result == SC_OK)
        result = make_value(s, AUDIT_READ, NULL, values, err);
    return result == SC_OK ? send_row(s, NULL, err) : result;
}
