/* A trail in Kafka as an audit leaves it, and copies of it to which something was done.
 *
 * usage: sc_kafka_trail BROKERS write TOPIC CHANGES         by the stream and the sink of the audit, with TRUNCATEs
 *        sc_kafka_trail BROKERS write TOPIC CHANGES ID N    in transactions of Kafka, N changes; the rest is never
 *                                                           committed: it waits for the end of its standard input
 *        sc_kafka_trail BROKERS copy FROM TO HOW [N]        message by message, with the same partitions
 *
 * HOW, done to message N of the stream: none, drop, change (its value), key, swap (with the next of its partition),
 * repeat, alter (repeat, and change what is repeated), move (to the next partition), cut (it and all behind it of its
 * partition), all (it and all behind it), insert (one of our own in front of it), rehash (as change, with a hash that
 * fits). `write` prints how many messages there are. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cdc/audit/reader.h"
#include "cdc/audit/sink.h"

enum { TIMEOUT_MS = 30000 };

static void must(enum sc_result result, const struct sc_error *err)
{
    if (result == SC_OK)
        return;
    fprintf(stderr, "%s %s\n", err->what, err->hint);
    exit(1);
}

/* --- writing
 * -------------------------------------------------------------------------------------------------------------- */

static enum sc_result forward(void *arg, const struct audit_message *m, struct sc_error *err)
{
    return audit_sink_send(arg, m, err);
}

static const struct audit_engine no_engine;

static void no_source(struct buf *out, const struct audit_table *table, const struct audit_origin *origin)
{
    (void)table;
    buf_printf(out, "{\"order\":%" PRIu64 "}", origin->order);
}

static void no_transaction(struct buf *out, const struct audit_origin *origin)
{
    buf_printf(out, "%" PRIu64, origin->xid);
}

static struct value text(const char *s)
{
    return (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(s), .data = s};
}

static void write_trail(const char *brokers, const char *topic, int changes, const char *transactional_id, int whole)
{
    struct sc_error err;
    struct arena arena = {0};
    struct audit_engine engine = no_engine;
    engine.write_source = no_source;
    engine.write_transaction = no_transaction;
    struct audit_column columns[2] = {
        {.name = "id", .key = 1, .type = {.write = audit_verbatim, .head = "\"type\":\"int64\"", .tail = ""}},
        {.name = "v", .type = {.write = audit_string, .head = "\"type\":\"string\"", .tail = ""}, .optional = true}};
    struct audit_table table = {
        .prefix = "p", .catalog = "db", .schema = "s", .name = "t", .ncolumns = 2, .columns = columns, .topic = topic};
    must(audit_table_prepare(&table, &arena, &err), &err);
    struct audit_sink_config config = {
        .brokers = brokers, .stream = "0011aabb", .transactional_id = transactional_id, .timeout_ms = TIMEOUT_MS};
    struct audit_sink *sink;
    struct audit_state state = {0};
    must(audit_sink_open(&config, &sink, &err), &err);
    must(audit_sink_partitions(sink, topic, &state.partitions, &err), &err);
    struct audit_stream_config to = {.engine = &engine,
                                     .tables = &table,
                                     .ntables = 1,
                                     .version = "test",
                                     .tombstones = true,
                                     .send = forward,
                                     .arg = sink};
    struct audit_stream *stream = audit_stream_new(&to, &state);
    struct relation_column names[2] = {{.name = "id"}, {.name = "v"}};
    struct change change = {.kind = CHANGE_RELATION,
                            .relation = {.schema = "s", .name = "t", .ncolumns = 2, .columns = names}};
    must(audit_stream_take(stream, &change, &err), &err);
    for (int i = 0; i < changes; i++) {
        char id[16], v[16];
        snprintf(id, sizeof(id), "%d", i % 17);
        snprintf(v, sizeof(v), "value %d", i);
        struct value row[2] = {text(id), text(v)};
        struct position at = {.order = (uint64_t)i + 1};
        struct change begin = {.kind = CHANGE_BEGIN, .position = at, .xid = (uint64_t)i};
        struct change commit = {.kind = CHANGE_COMMIT, .position = at};
        change = (struct change){.kind = CHANGE_UPDATE, .ncolumns = 2, .new_row = row};
        if (i % 7 == 6)
            change = (struct change){.kind = CHANGE_DELETE, .ncolumns = 2, .old_row = row};
        else if (i % 40 == 39)
            change = (struct change){.kind = CHANGE_TRUNCATE};
        must(audit_stream_take(stream, &begin, &err), &err);
        must(audit_stream_take(stream, &change, &err), &err);
        must(audit_stream_take(stream, &commit, &err), &err);
        if (i % 10 == 9 && i < whole)
            must(audit_sink_commit(sink, &err), &err);
    }
    if (!transactional_id)
        must(audit_sink_flush(sink, TIMEOUT_MS, &err), &err);
    printf("%" PRIu64 "\n", audit_stream_sequence(stream));
    fflush(stdout);
    while (transactional_id && getchar() != EOF)
        ;
    if (transactional_id)
        _exit(0); /* as if killed */
    audit_stream_free(stream);
    audit_sink_close(sink);
    arena_fini(&arena);
}

/* --- copying
 * -------------------------------------------------------------------------------------------------------------- */

struct sent {
    struct audit_received is; /* its texts are the arena's */
    uint64_t number;
};

struct topic {
    struct arena arena;
    struct sent *sent;
    size_t count;
    int32_t partitions;
};

static const char *copy(struct arena *arena, const void *data, size_t len)
{
    return data ? arena_copy(arena, data, len) : NULL;
}

static enum sc_result keep(void *arg, const struct audit_received *m, struct sc_error *err)
{
    (void)err;
    struct topic *t = arg;
    t->sent = mem_resize(t->sent, (t->count + 1) * sizeof(*t->sent));
    struct sent *s = &t->sent[t->count++];
    s->is = *m;
    s->is.stream = copy(&t->arena, m->stream, m->stream_len);
    s->is.sequence = copy(&t->arena, m->sequence, m->sequence_len);
    s->is.hash = copy(&t->arena, m->hash, m->hash_len);
    s->is.key = copy(&t->arena, m->key, m->key_len);
    s->is.value = copy(&t->arena, m->value, m->value_len);
    s->number = m->sequence ? strtoull(s->is.sequence, NULL, 10) : 0;
    return SC_OK;
}

static void put(rd_kafka_t *producer, const char *topic, const struct audit_received *m)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(3);
    rd_kafka_header_add(headers, "seachange.stream", -1, m->stream, (ssize_t)m->stream_len);
    rd_kafka_header_add(headers, "seachange.sequence", -1, m->sequence, (ssize_t)m->sequence_len);
    rd_kafka_header_add(headers, "seachange.hash", -1, m->hash, (ssize_t)m->hash_len);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(m->partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(m->key, m->key_len), RD_KAFKA_V_VALUE((void *)(uintptr_t)m->value, m->value_len),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error) {
        fprintf(stderr, "%s\n", rd_kafka_err2str(error));
        exit(1);
    }
}

/* A digit or a letter of it becomes another one: of a key or value still JSON. */
static const void *changed(struct arena *arena, const void *data, size_t len)
{
    char *text = arena_copy(arena, data ? data : "", len);
    for (size_t i = len; i > 0; i--)
        if (text[i - 1] >= '0' && text[i - 1] <= '8') {
            text[i - 1]++;
            return text;
        }
    return text;
}

static struct sent *next_of(struct topic *t, const struct sent *s)
{
    for (struct sent *next = t->sent; next < t->sent + t->count; next++)
        if (next->is.partition == s->is.partition && next->is.offset == s->is.offset + 1)
            return next;
    fprintf(stderr, "message %" PRIu64 " has no next one\n", s->number);
    exit(1);
}

static void rehash(struct topic *t, struct sent *s)
{
    struct audit_hash head = {0};
    char text[AUDIT_HASH_TEXT];
    for (const struct sent *before = t->sent; before < t->sent + t->count; before++)
        if (before->is.partition == s->is.partition && before->is.offset == s->is.offset - 1)
            audit_hash_parse(before->is.hash, before->is.hash_len, &head);
    audit_chain(&head, s->number, s->is.key ? s->is.key : "", s->is.key_len, s->is.value, s->is.value_len);
    audit_hash_format(&head, text);
    s->is.hash = arena_strdup(&t->arena, text);
}

static void put_done(struct topic *t, rd_kafka_t *producer, const char *to, struct sent *s, const char *how)
{
    struct sent other = *s;
    if (strcmp(how, "change") == 0 || strcmp(how, "rehash") == 0)
        other.is.value = changed(&t->arena, s->is.value, s->is.value_len);
    else if (strcmp(how, "key") == 0)
        other.is.key = changed(&t->arena, s->is.key, s->is.key_len);
    else if (strcmp(how, "move") == 0)
        other.is.partition = (other.is.partition + 1) % t->partitions;
    if (strcmp(how, "rehash") == 0)
        rehash(t, &other);
    if (strcmp(how, "insert") == 0)
        other.is.value = changed(&t->arena, s->is.value, s->is.value_len);
    put(producer, to, &other.is);
    if (strcmp(how, "alter") == 0)
        other.is.value = changed(&t->arena, s->is.value, s->is.value_len);
    if (strcmp(how, "repeat") == 0 || strcmp(how, "alter") == 0)
        put(producer, to, &other.is);
    if (strcmp(how, "insert") == 0)
        put(producer, to, &s->is);
}

static void copy_trail(const char *brokers, const char *from, const char *to, const char *how, uint64_t n)
{
    struct sc_error err;
    struct topic t = {0};
    struct audit_reader *reader;
    struct audit_reader_config config = {.brokers = brokers, .topic = from, .timeout_ms = TIMEOUT_MS};
    must(audit_reader_open(&config, &reader, &err), &err);
    t.partitions = audit_reader_topic(reader)->partitions;
    must(audit_reader_read(reader, keep, &t, &err), &err);
    audit_reader_close(reader);
    char problem[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, problem, sizeof(problem)) ||
        rd_kafka_conf_set(conf, "enable.idempotence", "true", problem, sizeof(problem)))
        exit(1);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof(problem));
    struct sent *chosen = NULL;
    for (size_t i = 0; i < t.count; i++)
        if (t.sent[i].number == n)
            chosen = &t.sent[i];
    if (strcmp(how, "swap") == 0) {
        struct sent *next = next_of(&t, chosen), was = *chosen;
        *chosen = *next;
        *next = was;
        chosen = NULL;
    }
    for (size_t i = 0; i < t.count; i++) {
        struct sent *s = &t.sent[i];
        bool behind = chosen && s->is.partition == chosen->is.partition && s->is.offset >= chosen->is.offset;
        if (s == chosen && strcmp(how, "drop") != 0 && strcmp(how, "cut") != 0 && strcmp(how, "all") != 0)
            put_done(&t, producer, to, s, how);
        else if (!(s == chosen) && !(behind && strcmp(how, "cut") == 0) && !(strcmp(how, "all") == 0 && s->number >= n))
            put(producer, to, &s->is);
    }
    if (rd_kafka_flush(producer, TIMEOUT_MS)) {
        fprintf(stderr, "not all was taken\n");
        exit(1);
    }
    rd_kafka_destroy(producer);
    mem_free(t.sent);
    arena_fini(&t.arena);
}

int main(int argc, char **argv)
{
    if ((argc == 5 || argc == 7) && strcmp(argv[2], "write") == 0)
        write_trail(argv[1], argv[3], (int)strtol(argv[4], NULL, 10), argc == 7 ? argv[5] : NULL,
                    argc == 7 ? (int)strtol(argv[6], NULL, 10) : 0);
    else if ((argc == 6 || argc == 7) && strcmp(argv[2], "copy") == 0)
        copy_trail(argv[1], argv[3], argv[4], argv[5], argc == 7 ? strtoull(argv[6], NULL, 10) : 0);
    else
        return 2;
    return 0;
}
