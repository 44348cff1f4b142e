#include "cdc/audit/rules.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/audit/json.h"

/* --- reading
 * --------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum audit_rule rule;
} rule_names[] = {
    {"plain", AUDIT_SHOW}, {"text", AUDIT_TEXT},        {"mask", AUDIT_MASK},
    {"hash", AUDIT_HASH},  {"truncate", AUDIT_SHORTEN}, {"drop", AUDIT_DROP},
};

static enum sc_result no_rule(struct sc_error *err, const char *at)
{
    error_set(err, SC_REFUSE, "this is no rule for a column: %.60s", at);
    return error_hint(err,
                      "Rules are COLUMN=plain, text, mask, hash, truncate:N or drop, parted by commas; * stands for "
                      "all columns that have no rule.");
}

/* A name, in double quotes or up to its '='. */
static const char *take_name(struct arena *arena, const char **p)
{
    struct buf name = {0};
    const char *at = *p;
    if (*at == '"') {
        for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
            at += *at == '"';
            buf_char(&name, *at);
        }
        at += *at == '"';
    } else {
        size_t len = strcspn(at, "=,");
        buf_bytes(&name, at, len);
        at += len;
    }
    *p = at;
    const char *copy = arena_strdup(arena, buf_cstr(&name));
    buf_fini(&name);
    return copy;
}

static bool take_rule(struct audit_column_rule *out, const char **p)
{
    size_t len = strcspn(*p, ",:");
    size_t i = 0, count = sizeof(rule_names) / sizeof(rule_names[0]);
    while (i < count && (strlen(rule_names[i].name) != len || strncmp(rule_names[i].name, *p, len) != 0))
        i++;
    if (i == count)
        return false;
    out->rule = rule_names[i].rule;
    *p += len;
    if (out->rule != AUDIT_SHORTEN)
        return true;
    if (**p != ':' || (*p)[1] < '0' || (*p)[1] > '9')
        return false;
    char *end;
    unsigned long length = strtoul(*p + 1, &end, 10);
    out->length = (uint32_t)length;
    *p = end;
    return length > 0 && length <= 1000000;
}

enum sc_result audit_rules_parse(const char *text, struct audit_rules *out, struct sc_error *err)
{
    *out = (struct audit_rules){0};
    size_t most = 1;
    for (const char *p = text; *p; p++)
        most += *p == ',';
    out->rules = arena_array(&out->arena, most, sizeof(*out->rules));
    for (const char *p = text;;) {
        struct audit_column_rule *rule = &out->rules[out->count];
        const char *at = p, *name;
        bool quoted = *p == '"';
        name = take_name(&out->arena, &p);
        if (!*name || *p++ != '=' || !take_rule(rule, &p) || (*p && *p != ','))
            return no_rule(err, at);
        rule->column = quoted || strcmp(name, "*") != 0 ? name : NULL;
        for (size_t i = 0; i < out->count; i++) {
            const char *other = out->rules[i].column;
            if (rule->column && other ? strcmp(rule->column, other) == 0 : rule->column == other)
                return error_set(err, SC_REFUSE, "there are two rules for column %s",
                                 rule->column ? rule->column : "*");
        }
        out->count++;
        if (!*p++)
            return SC_OK;
    }
}

void audit_rules_fini(struct audit_rules *rules)
{
    arena_fini(&rules->arena);
    *rules = (struct audit_rules){0};
}

/* --- applying
 * -------------------------------------------------------------------------------------------------------------- */

static bool write_mask(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    (void)text;
    (void)len;
    buf_str(out, "\"*****\"");
    return true;
}

static bool write_hash(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    const struct audit_rules *rules = type->rules;
    struct buf value = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    bool good = type->inner->write(&value, type->inner, text, len) &&
                HMAC(EVP_sha256(), rules->secret, (int)rules->secret_len, (const unsigned char *)buf_cstr(&value),
                     value.len, digest, &size);
    buf_fini(&value);
    buf_char(out, '"');
    for (unsigned i = 0; i < size; i++)
        buf_printf(out, "%02x", digest[i]);
    buf_char(out, '"');
    return good;
}

/* Of the string as it is written: an escape is one character, and so are two surrogates. */
static bool write_truncated(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    struct buf value = {0};
    if (!type->inner->write(&value, type->inner, text, len)) {
        buf_fini(&value);
        return false;
    }
    const char *p = buf_cstr(&value) + 1, *end = value.data + value.len - 1;
    for (int n = 0; n < type->scale && p < end; n++) {
        if (*p == '\\') {
            bool high = p[1] == 'u' && end - p >= 12 && (p[2] == 'D' || p[2] == 'd') && p[3] >= '8' && p[3] <= 'B';
            p += p[1] != 'u' ? 2 : high ? 12 : 6;
        } else {
            for (p++; p < end && (*p & 0xc0) == 0x80; p++)
                ;
        }
    }
    buf_bytes(out, value.data, (size_t)(p - value.data));
    buf_char(out, '"');
    buf_fini(&value);
    return true;
}

static const char string_head[] = "\"type\":\"string\"";

static bool is_plain_string(const struct audit_type *type)
{
    return strcmp(type->head, string_head) == 0 && !*type->tail;
}

static enum sc_result apply_one(const struct audit_rules *rules, const struct audit_column_rule *rule,
                                const struct audit_table *table, struct audit_column *c, struct arena *arena,
                                struct sc_error *err)
{
    struct audit_type *was = arena_alloc(arena, sizeof(*was));
    *was = c->type;
    if (c->key && (rule->rule == AUDIT_MASK || rule->rule == AUDIT_SHORTEN || rule->rule == AUDIT_DROP))
        return error_set(err, SC_REFUSE,
                         "column %s is part of the key: masked, truncated or left out it would not tell rows apart",
                         c->name);
    switch (rule->rule) {
    case AUDIT_SHOW:
        break;
    case AUDIT_TEXT:
        if (!table->values_are_text)
            return error_set(err, SC_REFUSE, "column %s cannot be shown as text: this server's log has other forms",
                             c->name);
        c->type = (struct audit_type){.write = audit_string, .head = string_head, .tail = ""};
        break;
    case AUDIT_MASK:
        c->type = (struct audit_type){.write = write_mask, .head = string_head, .tail = ""};
        break;
    case AUDIT_HASH:
        if (!rules->secret)
            return error_set(err, SC_REFUSE, "column %s is to be hashed, and there is no key to do it with", c->name);
        c->type =
            (struct audit_type){.write = write_hash, .head = string_head, .tail = "", .inner = was, .rules = rules};
        break;
    case AUDIT_SHORTEN:
        if (!is_plain_string(was))
            return error_set(err, SC_REFUSE, "column %s is no text, and cannot be truncated", c->name);
        c->type = (struct audit_type){
            .write = write_truncated, .head = string_head, .tail = "", .inner = was, .scale = (int)rule->length};
        break;
    case AUDIT_DROP:
        c->left_out = true;
    }
    return SC_OK;
}

static const struct audit_column_rule *rule_of(const struct audit_rules *rules, const char *column)
{
    const struct audit_column_rule *rest = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        if (!rules->rules[i].column)
            rest = &rules->rules[i];
        else if (strcmp(rules->rules[i].column, column) == 0)
            return &rules->rules[i];
    }
    return rest;
}

static bool has_column(const struct audit_table *table, const char *name)
{
    for (size_t i = 0; i < table->ncolumns; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

enum sc_result audit_rules_check(const struct audit_rules *rules, const struct audit_table *tables, size_t count,
                                 struct sc_error *err)
{
    for (size_t i = 0; i < rules->count; i++) {
        const char *column = rules->rules[i].column;
        bool found = !column;
        for (size_t t = 0; t < count && !found; t++)
            found = has_column(&tables[t], column);
        if (!found && count == 1)
            return error_set(err, SC_REFUSE, "there is a rule for column %s, which table %s does not have", column,
                             tables[0].name);
        if (!found)
            return error_set(err, SC_REFUSE, "there is a rule for column %s, which none of the tables has", column);
    }
    return SC_OK;
}

enum sc_result audit_rules_apply(const struct audit_rules *rules, struct audit_table *table, struct arena *arena,
                                 struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < table->ncolumns && result == SC_OK; i++) {
        const struct audit_column_rule *rule = rule_of(rules, table->columns[i].name);
        if (!rule) {
            error_set(err, SC_REFUSE, "nobody has said what the audit may show of column %s of table %s",
                      table->columns[i].name, table->name);
            return error_hint(err, "Give it a rule, or one for all the rest: *=plain, *=hash, *=drop.");
        }
        result = apply_one(rules, rule, table, &table->columns[i], arena, err);
    }
    return result;
}
