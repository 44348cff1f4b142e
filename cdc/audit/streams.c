#include "cdc/audit/streams.h"

#include <string.h>

struct audit_streams {
    size_t count;
    struct audit_stream **streams;
    bool *begun; /* which of them the transaction has come to */
    const struct audit_table *tables;
    size_t at;          /* of the relation that came last; `count`: of none */
    uint64_t total;     /* rows of the transaction, of all tables */
    struct change open; /* its BEGIN */
};

struct audit_streams *audit_streams_new(const struct audit_stream_config *config, const struct audit_state *states)
{
    struct audit_streams *s = mem_alloc(sizeof(*s));
    s->count = s->at = config->ntables;
    s->tables = config->tables;
    s->streams = mem_array(s->count + 1, sizeof(*s->streams));
    s->begun = mem_array(s->count + 1, sizeof(*s->begun));
    for (size_t i = 0; i < s->count; i++) {
        struct audit_stream_config one = *config;
        one.tables = &config->tables[i];
        one.ntables = 1;
        one.total = &s->total;
        s->streams[i] = audit_stream_new(&one, &states[i]);
    }
    return s;
}

void audit_streams_free(struct audit_streams *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        audit_stream_free(s->streams[i]);
    mem_free(s->streams);
    mem_free(s->begun);
    mem_free(s);
}

const struct audit_state *audit_streams_state(const struct audit_streams *s, size_t i)
{
    return audit_stream_state(s->streams[i]);
}

uint64_t audit_streams_messages(const struct audit_streams *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->count; i++)
        sum += audit_stream_sequence(s->streams[i]);
    return sum;
}

static enum sc_result relation(struct audit_streams *s, const struct change *change, struct sc_error *err)
{
    const struct relation *r = &change->relation;
    for (s->at = 0; s->at < s->count; s->at++)
        if (audit_table_is(&s->tables[s->at], r->schema, r->name))
            return audit_stream_take(s->streams[s->at], change, err);
    return error_set(err, SC_FAIL, "the log has changes of table %s.%s, which was not asked for", r->schema, r->name);
}

/* A transaction is told to a table's stream when its first row comes: most are of one table. */
static enum sc_result row(struct audit_streams *s, const struct change *change, struct sc_error *err)
{
    if (s->at == s->count)
        return error_set(err, SC_FAIL, "a change came without its table");
    enum sc_result result = SC_OK;
    if (!s->begun[s->at] && s->open.kind == CHANGE_BEGIN)
        result = audit_stream_take(s->streams[s->at], &s->open, err);
    s->begun[s->at] = true;
    return result == SC_OK ? audit_stream_take(s->streams[s->at], change, err) : result;
}

/* All of them stand behind it now. */
static enum sc_result commit(struct audit_streams *s, const struct change *change, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < s->count && result == SC_OK; i++) {
        if (s->begun[i])
            result = audit_stream_take(s->streams[i], change, err);
        else
            audit_stream_pass(s->streams[i], &change->position);
        s->begun[i] = false;
    }
    s->open.kind = 0;
    return result;
}

enum sc_result audit_streams_take(struct audit_streams *s, const struct change *change, struct sc_error *err)
{
    switch (change->kind) {
    case CHANGE_RELATION:
        return relation(s, change, err);
    case CHANGE_BEGIN:
        s->open = *change;
        s->total = 0;
        memset(s->begun, 0, s->count * sizeof(*s->begun));
        return SC_OK;
    case CHANGE_COMMIT:
        return commit(s, change, err);
    case CHANGE_MARKER:
        return SC_OK;
    default:
        return row(s, change, err);
    }
}
