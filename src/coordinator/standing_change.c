/* Tables of a stream that change while it goes on, where their log describes them only if it is told to.
 *
 * While a table is what it was when the stream was begun, the catalog says what its rows look like. From the first
 * change on the log has to, and that is stored with the first place behind that change. What the log never tells was
 * stored when the stream was begun; the reader ends in front of a statement that may change any of that. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "coordinator/standing_flow.h"
#include "engines.h"

/* --- what is stored
 * ----------------------------------------------------------------------------------------------------------- */

/* Of everything that a message follows from, beside the log. */
static void add_digest(struct buf *out, const struct source_table *t)
{
    struct buf form = {0};
    struct audit_hash hash = {0};
    char text[AUDIT_HASH_TEXT];
    for (int i = 0; i < t->ncolumns; i++)
        buf_printf(&form, "%s\n%s\n%s\n%d%d\n", t->columns[i].name, t->columns[i].type,
                   t->columns[i].collation ? t->columns[i].collation : "", t->computed && t->computed[i],
                   t->columns[i].optional);
    for (size_t i = 0; i < t->nuntold; i++) /* whether a column is stored or virtual decides whether it is shown */
        buf_printf(&form, "%s\n%s\n", t->untold[i].name, t->untold[i].untold);
    audit_chain(&hash, t->ncolumns, "", 0, buf_cstr(&form), form.len);
    audit_hash_format(&hash, text);
    buf_printf(out, "%.16s", text);
    buf_fini(&form);
}

/* A word without blanks, semicolons and equals signs. */
static void add_word(struct buf *out, const char *before, const char *text)
{
    buf_str(out, before);
    for (; *text; text++)
        if (isalnum((unsigned char)*text) || *text == '_')
            buf_char(out, *text);
        else
            buf_printf(out, "%%%02x", (unsigned char)*text);
}

static const char *read_word(struct arena *arena, const char *word, size_t len)
{
    struct buf b = {0};
    for (size_t i = 0; i < len; i++) {
        unsigned c;
        if (word[i] == '%' && i + 2 < len && sscanf(word + i + 1, "%2x", &c) == 1) {
            buf_char(&b, (char)c);
            i += 2;
        } else {
            buf_char(&b, word[i]);
        }
    }
    const char *text = arena_copy(arena, buf_cstr(&b), b.len);
    buf_fini(&b);
    return text;
}

static const struct audit_column *column_named(const struct audit_table *t, const char *name)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

/* Columns that a rule names; with the number that the catalog knows them by under any name, where it has one. */
static void add_kept(struct buf *settings, const struct audit_table *t, const struct audit_rules *rules)
{
    const char *before = STANDING_KEPT " ";
    for (size_t k = 0; k < rules->count; k++) {
        const struct audit_column *c = rules->rules[k].column ? column_named(t, rules->rules[k].column) : NULL;
        if (c) {
            add_word(settings, before, c->name);
            before = " ";
        }
        if (c && c->number)
            buf_printf(settings, "=%d", c->number);
    }
}

void standing_change_add(struct buf *settings, const struct flow *f, size_t i)
{
    const struct source_table *t = &f->sources[i];
    if (t->columns) {
        buf_str(settings, STANDING_FORM);
        add_digest(settings, t);
        buf_str(settings, "; untold");
        for (size_t k = 0; k < t->nuntold; k++) {
            add_word(settings, " ", t->untold[k].name);
            add_word(settings, "=", t->untold[k].untold);
        }
    }
    add_kept(settings, &f->described[i], f->config->settings->rules);
}

/* The next word of a list behind *p, which ends with a semicolon or the text; NULL: there is none. */
static const char *next_word(const char **p, size_t *len)
{
    *p += strspn(*p, " ");
    const char *word = *p;
    *len = strcspn(word, " ;");
    *p += *len;
    return *len > 0 ? word : NULL;
}

bool standing_change_read(struct flow *f, size_t i, const char *settings)
{
    const char *form = standing_form(settings);
    const char *untold = form ? strstr(form, "; untold") : NULL, *kept = untold ? strstr(untold, STANDING_KEPT) : NULL;
    if (!untold)
        return false;
    struct source_table *t = &f->sources[i];
    struct source_untold *columns = arena_array(&f->arena, strlen(settings), sizeof(*columns));
    const char **names = arena_array(&f->arena, strlen(settings), sizeof(*names));
    size_t len, name;
    t->nuntold = t->nkept = 0;
    untold += strlen("; untold");
    for (const char *word; (word = next_word(&untold, &len)) != NULL; t->nuntold++) {
        name = strcspn(word, "=");
        if (name >= len)
            return false;
        columns[t->nuntold] = (struct source_untold){read_word(&f->arena, word, name),
                                                     read_word(&f->arena, word + name + 1, len - name - 1)};
    }
    kept = kept ? kept + strlen(STANDING_KEPT) : "";
    for (const char *word; (word = next_word(&kept, &len)) != NULL; t->nkept++)
        names[t->nkept] = read_word(&f->arena, word, len);
    t->untold = columns;
    t->kept = names;
    const struct audit_rules *rules = f->config->settings->rules;
    const char **ruled = arena_array(&f->arena, rules->count + 1, sizeof(*ruled));
    t->nruled = 0;
    for (size_t k = 0; k < rules->count; k++)
        if (rules->rules[k].column)
            ruled[t->nruled++] = rules->rules[k].column;
    t->ruled = ruled;
    return true;
}

/* --- when it is begun
 * --------------------------------------------------------------------------------------------------------- */

static enum sc_result same_still(struct flow *f, size_t i, struct sc_error *err)
{
    char *name = mem_printf("%s.%s", f->names[2 * i], f->names[2 * i + 1]);
    struct migration_spec spec = {.url = f->config->url, .table = f->config->tables[f->tables[i].asked]};
    struct target *target = NULL;
    struct source_config now;
    struct buf was = {0}, is = {0};
    enum sc_result result = f->ops->open(&spec, &target, err);
    if (result == SC_OK)
        result = f->ops->audit_open(target, err);
    if (result == SC_OK) {
        f->ops->source_config(target, &now);
        add_digest(&was, &f->sources[i]);
        add_digest(&is, &now.tables[0]);
        if (strcmp(buf_cstr(&was), buf_cstr(&is)) != 0)
            result = error_set(err, SC_RETRY, "table %s was changed while the stream was begun", name);
    }
    f->ops->close(target);
    buf_fini(&was);
    buf_fini(&is);
    mem_free(name);
    return result;
}

enum sc_result standing_change_none(struct flow *f, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < f->count && result == SC_OK; i++)
        if (f->sources[i].columns)
            result = same_still(f, i, err);
    return result;
}

/* --- while it runs
 * ------------------------------------------------------------------------------------------------------------ */

static enum sc_result is_gone(const char *column, const char *schema, const char *table, struct sc_error *err)
{
    return error_set(err, SC_REFUSE,
                     "column %.100s of table %s.%s, for which --audit-columns has a rule, is gone or has another name",
                     column, schema, table);
}

enum sc_result standing_change_check(struct flow *f, size_t i, const char *settings, struct sc_error *err)
{
    const char *kept = standing_part(settings, STANDING_KEPT);
    size_t len;
    kept = kept ? kept + strlen(STANDING_KEPT) : "";
    for (const char *word; (word = next_word(&kept, &len)) != NULL;) {
        size_t name = strcspn(word, "= ;");
        long number = name < len ? strtol(word + name + 1, NULL, 10) : 0;
        const char *text = read_word(&f->arena, word, name);
        const struct audit_column *c = number ? column_named(&f->described[i], text) : NULL;
        if (number && (!c || c->number != number) && !PLANTED(E9_RULES_BY_NAME_ALONE))
            return is_gone(text, f->names[2 * i], f->names[2 * i + 1], err);
    }
    return SC_OK;
}

/* A rule names a column; what was shown by that rule must not be shown by another one under another name. */
static enum sc_result check_kept(const struct source_table *t, const struct audit_table *now, struct sc_error *err)
{
    for (size_t k = 0; k < t->nkept; k++)
        if (!column_named(now, t->kept[k]) && !PLANTED(E9_RULES_BY_NAME_ALONE))
            return is_gone(t->kept[k], t->schema, t->name, err);
    return SC_OK;
}

static const char *key_column(const struct audit_table *t, size_t place)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        if (t->columns[i].key == (int)place)
            return t->columns[i].name;
    return NULL;
}

static enum sc_result check_key(const struct source_table *t, const struct audit_table *known,
                                const struct audit_table *now, struct sc_error *err)
{
    bool same = !key_column(now, known->nkey + 1);
    for (size_t k = 1; k <= known->nkey && same; k++) {
        const char *name = key_column(now, k);
        same = name && strcmp(name, key_column(known, k)) == 0;
    }
    if (same)
        return SC_OK;
    return error_set(
        err, SC_FAIL,
        "table %s.%s was changed, and the columns that its messages have as their key are not what the log "
        "tells as its primary key",
        t->schema, t->name);
}

enum sc_result standing_change_describe(void *arg, const struct audit_table *known, const struct relation *relation,
                                        struct arena *arena, struct audit_table *out, struct sc_error *err)
{
    struct flow *f = arg;
    const struct audit_settings *s = f->config->settings;
    const struct source_table *source = &f->sources[known - f->described];
    uint64_t server_id;
    const struct audit_engine *engine = f->ops->audit_engine(f->tables[0].target, &server_id);
    *out = (struct audit_table){.prefix = known->prefix,
                                .catalog = known->catalog,
                                .schema = known->schema,
                                .name = known->name,
                                .source = known->source,
                                .with_schema = known->with_schema,
                                .values_are_text = known->values_are_text,
                                .topic = known->topic};
    enum sc_result result = engine->told(relation, s->table.decimals, arena, out, err);
    if (result == SC_OK)
        result = check_kept(source, out, err);
    if (result == SC_OK)
        result = check_key(source, known, out, err);
    if (result == SC_OK)
        result = audit_rules_apply(s->rules, out, arena, err);
    return result == SC_OK ? audit_table_prepare(out, arena, err) : result;
}
