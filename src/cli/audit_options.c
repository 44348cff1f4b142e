#include "cli/audit_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEY_LEAST = 16, KEY_MOST = 4096, CONFIG_MOST = 1 << 20, TOPIC_MOST = 249 };

static enum sc_result read_file(const char *option, const char *path, size_t most, struct buf *out,
                                struct sc_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(err, SC_REFUSE, "the file of --%s, %.200s, cannot be read: %s", option, path, strerror(errno));
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof(block), file)) > 0 && out->len <= most)
        buf_bytes(out, block, n);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return error_set(err, SC_REFUSE, "the file of --%s, %.200s, cannot be read", option, path);
    if (out->len > most)
        return error_set(err, SC_REFUSE, "the file of --%s, %.200s, is larger than %zu bytes", option, path, most);
    return SC_OK;
}

/* The line's end, which editors add, is none of the key. */
static enum sc_result read_key(const struct options *o, struct audit_given *out, struct sc_error *err)
{
    if (!o->audit_key_file)
        return SC_OK;
    struct buf key = {0};
    enum sc_result result = read_file("audit-key-file", o->audit_key_file, KEY_MOST, &key, err);
    while (result == SC_OK && key.len > 0 && (key.data[key.len - 1] == '\n' || key.data[key.len - 1] == '\r'))
        key.len--;
    if (result == SC_OK && key.len < KEY_LEAST)
        result =
            error_set(err, SC_REFUSE, "the key in the file of --audit-key-file has fewer than %d bytes", KEY_LEAST);
    if (result == SC_OK) {
        out->rules.secret = arena_copy(&out->arena, key.data, key.len);
        out->rules.secret_len = key.len;
    }
    buf_fini(&key);
    return result;
}

/* Properties of the file, then those that were given one by one: the later one counts. */
static enum sc_result read_properties(const struct options *o, struct audit_given *out, struct sc_error *err)
{
    struct buf text = {0};
    enum sc_result result =
        o->audit_config ? read_file("audit-config", o->audit_config, CONFIG_MOST, &text, err) : SC_OK;
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    const char **properties = arena_array(&out->arena, lines + o->audit_properties.count, sizeof(*properties));
    size_t count = 0;
    char *save = NULL;
    for (char *line = result == SC_OK ? strtok_r(arena_strdup(&out->arena, buf_cstr(&text)), "\r\n", &save) : NULL;
         line; line = strtok_r(NULL, "\r\n", &save)) {
        line += strspn(line, " \t");
        if (*line && *line != '#')
            properties[count++] = line;
    }
    for (size_t i = 0; i < o->audit_properties.count; i++)
        properties[count++] = o->audit_properties.items[i];
    out->settings.properties = properties;
    out->settings.nproperties = count;
    buf_fini(&text);
    return result;
}

/* Kafka: org.apache.kafka.common.internals.Topic. */
static enum sc_result check_topic(const char *option, const char *name, struct sc_error *err)
{
    size_t len = name ? strlen(name) : 0;
    if (!name || (len <= TOPIC_MOST && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
                  strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len))
        return SC_OK;
    error_set(err, SC_REFUSE, "--%s %.60s is not a name that Kafka takes", option, name);
    return error_hint(err, "Letters, digits, '.', '_' and '-', %d at most.", TOPIC_MOST);
}

static enum sc_result without_kafka(const struct options *o, struct sc_error *err)
{
    const struct {
        const char *name, *value;
    } given[] = {{"audit-topic", o->audit_topic},
                 {"audit-columns", o->audit_columns},
                 {"audit-key-file", o->audit_key_file},
                 {"audit-config", o->audit_config},
                 {"audit-property", o->audit_properties.count ? "" : NULL}};
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        if (given[i].value)
            return error_set(err, SC_REFUSE, "--%s is given without --audit-kafka", given[i].name);
    return SC_OK;
}

static enum sc_result read_all(const struct options *o, struct audit_given *out, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (o->audit_columns)
        result = audit_rules_parse(o->audit_columns, &out->rules, err);
    if (result != SC_OK)
        error_wrap(err, "--audit-columns");
    if (result == SC_OK)
        result = read_key(o, out, err);
    if (result == SC_OK)
        result = read_properties(o, out, err);
    if (result == SC_OK)
        result = check_topic("audit-topic", o->audit_topic, err);
    if (result == SC_OK)
        result = check_topic("audit-prefix", o->audit_prefix, err);
    out->settings.brokers = o->audit_kafka;
    out->settings.topic = o->audit_topic;
    out->settings.table = (struct audit_options){
        .prefix = o->audit_prefix, .with_schema = o->audit_schemas, .decimals = (enum audit_decimals)o->audit_decimals};
    out->settings.rules_text = o->audit_columns;
    out->settings.rules = &out->rules;
    out->settings.tombstones = o->audit_tombstones;
    out->settings.required = o->audit_policy == 0;
    return result;
}

enum sc_result audit_options_read(const struct options *o, struct audit_given *out, struct sc_error *err)
{
    *out = (struct audit_given){0};
    if (!o->audit_kafka)
        return without_kafka(o, err);
    if (!o->audit_columns) {
        error_set(err, SC_REFUSE, "--audit-columns is missing: what may the audit show of which column?");
        return error_hint(err, "For example id=plain,*=hash with --audit-key-file, or *=plain for all of them.");
    }
    return read_all(o, out, err);
}

enum sc_result audit_options_read_back(const struct options *o, struct audit_given *out, struct sc_error *err)
{
    *out = (struct audit_given){0};
    if (o->table && !o->source)
        return error_set(err, SC_REFUSE, "--table is given without --source");
    if (!o->table && !o->audit_topic)
        return error_set(err, SC_REFUSE, "--audit-topic is missing, or --source and --table, from which it follows");
    if (o->table && !o->audit_columns) {
        error_set(err, SC_REFUSE, "--audit-columns is missing: what does the audit show of which column?");
        return error_hint(err, "Give the same rules as to the migration; its messages are compared with what they make "
                               "of the table.");
    }
    return read_all(o, out, err);
}

void audit_given_fini(struct audit_given *given)
{
    audit_rules_fini(&given->rules);
    arena_fini(&given->arena);
}
