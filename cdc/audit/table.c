#include "cdc/audit/table.h"

#include <inttypes.h>
#include <string.h>

#include "cdc/audit/json.h"

/* What stands for a large value that the log leaves out because it did not change: unavailable.value.placeholder. */
#define UNAVAILABLE "__debezium_unavailable_value"

/* --- what is the same in all events
 * ------------------------------------------------------------------------------------ */

/* Kafka takes letters, digits, '.', '_' and '-' in a topic's name. */
static void add_topic_part(struct buf *b, const char *name)
{
    for (const char *p = name; *p; p++) {
        bool good = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '.' ||
                    *p == '_' || *p == '-';
        buf_char(b, good ? *p : '_');
    }
}

static void add_name(struct buf *b, const struct audit_table *t, const char *suffix)
{
    buf_printf(b, ",\"name\":\"%s%s\"", t->topic, suffix);
}

static void add_field(struct buf *b, const struct audit_type *type, bool optional, const char *name)
{
    buf_printf(b, "{%s,\"optional\":%s%s,\"field\":", type->head, optional ? "true" : "false", type->tail);
    audit_json_string(b, name);
    buf_char(b, '}');
}

static void add_row_schema(struct buf *b, const struct audit_table *t, const char *field)
{
    buf_str(b, "{\"type\":\"struct\",\"fields\":[");
    bool first = true;
    for (size_t i = 0; i < t->ncolumns; i++) {
        if (t->columns[i].left_out)
            continue;
        buf_str(b, first ? "" : ",");
        add_field(b, &t->columns[i].type, t->columns[i].optional, t->columns[i].name);
        first = false;
    }
    buf_str(b, "],\"optional\":true");
    add_name(b, t, ".Value");
    buf_printf(b, ",\"field\":\"%s\"}", field);
}

static char *key_head(const struct audit_table *t, struct arena *arena)
{
    struct buf b = {0};
    buf_str(&b, "{\"schema\":{\"type\":\"struct\",\"fields\":[");
    for (size_t k = 0; k < t->nkey; k++) {
        const struct audit_column *c = &t->columns[t->key_order[k]];
        buf_str(&b, k ? "," : "");
        add_field(&b, &c->type, false, c->name);
    }
    buf_str(&b, "],\"optional\":false");
    add_name(&b, t, ".Key");
    buf_str(&b, "},\"payload\":");
    char *text = arena_strdup(arena, buf_cstr(&b));
    buf_fini(&b);
    return text;
}

static char *value_head(const struct audit_table *t, struct arena *arena)
{
    struct buf b = {0};
    buf_str(&b, "{\"schema\":{\"type\":\"struct\",\"fields\":[");
    add_row_schema(&b, t, "before");
    buf_char(&b, ',');
    add_row_schema(&b, t, "after");
    buf_printf(&b, ",{\"type\":\"struct\",\"fields\":[%s],\"optional\":false,\"name\":\"%s\",\"field\":\"source\"}",
               t->source.schema, t->source.schema_name);
    buf_str(&b, ",{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"id\"},"
                "{\"type\":\"int64\",\"optional\":false,\"field\":\"total_order\"},"
                "{\"type\":\"int64\",\"optional\":false,\"field\":\"data_collection_order\"}],"
                "\"optional\":true,\"name\":\"event.block\",\"version\":1,\"field\":\"transaction\"}"
                ",{\"type\":\"string\",\"optional\":false,\"field\":\"op\"}"
                ",{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ms\"}"
                ",{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_us\"}"
                ",{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ns\"}],\"optional\":false");
    add_name(&b, t, ".Envelope");
    buf_str(&b, ",\"version\":2},\"payload\":");
    char *text = arena_strdup(arena, buf_cstr(&b));
    buf_fini(&b);
    return text;
}

static void name_topic(struct audit_table *t, struct arena *arena)
{
    struct buf topic = {0};
    add_topic_part(&topic, t->prefix);
    buf_char(&topic, '.');
    add_topic_part(&topic, t->schema ? t->schema : t->catalog);
    buf_char(&topic, '.');
    add_topic_part(&topic, t->name);
    t->topic = arena_strdup(arena, buf_cstr(&topic));
    buf_fini(&topic);
}

enum sc_result audit_table_prepare(struct audit_table *t, struct arena *arena, struct sc_error *err)
{
    if (!t->topic)
        name_topic(t, arena);
    int *order = arena_array(arena, t->ncolumns, sizeof(*order));
    for (size_t k = 0; k < t->ncolumns; k++)
        order[k] = -1;
    for (size_t i = 0; i < t->ncolumns; i++) {
        struct audit_column *c = &t->columns[i];
        struct buf label = {0};
        audit_json_string(&label, c->name);
        buf_char(&label, ':');
        c->label = arena_strdup(arena, buf_cstr(&label));
        buf_fini(&label);
        if (!c->key)
            continue;
        if (c->left_out)
            return error_set(err, SC_REFUSE, "column %s is part of the key, and cannot be left out of the audit",
                             c->name);
        if (c->key < 0 || (size_t)c->key > t->ncolumns || order[c->key - 1] >= 0)
            return error_set(err, SC_FAIL, "column %s has an impossible place in the key of table %s", c->name,
                             t->name);
        order[c->key - 1] = (int)i;
        t->nkey++;
    }
    t->key_order = order;
    for (size_t k = 0; k < t->nkey; k++)
        if (order[k] < 0)
            return error_set(err, SC_FAIL, "the key of table %s lacks its column %zu", t->name, k + 1);
    if (t->nkey == 0)
        return error_set(err, SC_REFUSE, "table %s has no key by which consumers could know its rows", t->name);
    t->key_head = t->with_schema ? key_head(t, arena) : "";
    t->value_head = t->with_schema ? value_head(t, arena) : "";
    t->tail = t->with_schema ? "}" : "";
    return SC_OK;
}

bool audit_table_is(const struct audit_table *t, const char *schema, const char *name)
{
    return strcmp(t->name, name) == 0 && strcmp(t->schema ? t->schema : t->catalog, schema) == 0;
}

void audit_table_close(struct audit_table *t)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        audit_type_close(&t->columns[i].type);
}

/* --- an event
 * ------------------------------------------------------------------------------------------------------------- */

/* The types that can be so large that a log leaves them out are strings, bytes, and lists of them. */
static void add_unavailable(struct buf *out, const struct audit_type *type)
{
    bool list = type->items != NULL;
    const char *head = list ? type->items->head : type->head;
    buf_str(out, list ? "[" : "");
    if (strncmp(head, "\"type\":\"string\"", 15) == 0)
        audit_json_string(out, UNAVAILABLE);
    else if (strncmp(head, "\"type\":\"bytes\"", 14) == 0)
        audit_base64(out, UNAVAILABLE, sizeof(UNAVAILABLE) - 1);
    else
        buf_str(out, "null");
    buf_str(out, list ? "]" : "");
}

static enum sc_result add_value(struct buf *out, const struct audit_table *t, const struct audit_column *c,
                                const struct value *value, struct sc_error *err)
{
    switch (value->state) {
    case VALUE_PRESENT:
        if (c->type.write(out, &c->type, value->data, value->len))
            return SC_OK;
        error_set(err, SC_FAIL, "a value of column %s of table %s cannot be written as what its type is in Kafka",
                  c->name, t->name);
        return error_hint(err,
                          "Nothing is lost, and nothing behind it was sent. NaN and infinite numbers, and arrays of "
                          "several dimensions, have no such form: --audit-decimals string, or a rule `text` for the "
                          "column, keeps them.");
    case VALUE_UNCHANGED:
        add_unavailable(out, &c->type);
        return SC_OK;
    case VALUE_NULL:
    case VALUE_ABSENT:
        break;
    }
    buf_str(out, "null");
    return SC_OK;
}

enum sc_result audit_write_row(struct buf *out, const struct audit_table *t, const struct value *row,
                               struct sc_error *err)
{
    enum sc_result result = SC_OK;
    bool first = true;
    buf_char(out, '{');
    for (size_t i = 0; i < t->ncolumns && result == SC_OK; i++) {
        if (t->columns[i].left_out)
            continue;
        buf_str(out, first ? "" : ",");
        buf_str(out, t->columns[i].label);
        result = add_value(out, t, &t->columns[i], &row[i], err);
        first = false;
    }
    buf_char(out, '}');
    return result;
}

enum sc_result audit_write_key(struct buf *out, const struct audit_table *t, const struct value *row,
                               struct sc_error *err)
{
    enum sc_result result = SC_OK;
    buf_str(out, t->key_head);
    for (size_t k = 0; k < t->nkey && result == SC_OK; k++) {
        const struct audit_column *c = &t->columns[t->key_order[k]];
        enum value_state is = row[t->key_order[k]].state;
        if (is != VALUE_PRESENT)
            return error_set(err, SC_FAIL, "a row of table %s comes without column %s of its key", t->name, c->name);
        buf_char(out, k ? ',' : '{');
        buf_str(out, c->label);
        result = add_value(out, t, c, &row[t->key_order[k]], err);
    }
    buf_char(out, '}');
    buf_str(out, t->tail);
    return result;
}

static enum sc_result add_image(struct buf *out, const struct audit_table *t, const char *name, const struct value *row,
                                struct sc_error *err)
{
    buf_printf(out, "\"%s\":", name);
    if (row)
        return audit_write_row(out, t, row, err);
    buf_str(out, "null");
    return SC_OK;
}

enum sc_result audit_write_value(struct buf *out, const struct audit_table *t, const struct audit_event *event,
                                 struct sc_error *err)
{
    buf_str(out, t->value_head);
    buf_char(out, '{');
    enum sc_result result = add_image(out, t, "before", event->before, err);
    buf_char(out, ',');
    if (result == SC_OK)
        result = add_image(out, t, "after", event->after, err);
    buf_printf(out, ",\"source\":%s,\"transaction\":", event->source);
    if (event->transaction) {
        buf_str(out, "{\"id\":");
        audit_json_string(out, event->transaction);
        buf_printf(out, ",\"total_order\":%" PRIu64 ",\"data_collection_order\":%" PRIu64 "}", event->total_order,
                   event->order);
    } else {
        buf_str(out, "null");
    }
    buf_printf(out, ",\"op\":\"%c\",\"ts_ms\":%" PRId64 ",\"ts_us\":%" PRId64 ",\"ts_ns\":%" PRId64 "}",
               (char)event->op, event->commit_us / 1000, event->commit_us, event->commit_us * 1000);
    buf_str(out, t->tail);
    return result;
}
