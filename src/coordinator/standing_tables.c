/* The tables of a standing stream, as the catalog has them now: what consumers are told, what the reader has to know,
 * and what may not change while the stream goes on. */
#include <inttypes.h>
#include <string.h>

#include "coordinator/standing_flow.h"
#include "engines.h"

static const char *schema_of(const struct audit_table *t)
{
    return t->schema ? t->schema : t->catalog;
}

/* A table whose log does not tell everything is refused before anything is made: PostgreSQL even stops its writers
 * where a publication has a table without an identity. */
static enum sc_result check_log(struct flow *f, size_t i, struct sc_error *err)
{
    struct plan plan = {0};
    enum sc_result result = f->ops->audit_log_check(f->tables[i].target, &plan, err);
    if (result == SC_OK && plan.refusals.count > 0)
        result =
            error_set(err, SC_REFUSE, "table %s cannot be followed: %s", f->config->tables[i], plan.refusals.items[0]);
    plan_fini(&plan);
    return result;
}

static enum sc_result learn(struct flow *f, size_t i, struct sc_error *err)
{
    const struct audit_settings *s = f->config->settings;
    struct migration_spec spec = {.url = f->config->url, .table = f->config->tables[i]};
    struct table *t = &f->tables[i];
    t->asked = i;
    struct audit_table *described = &f->described[i];
    struct session *session = NULL;
    enum sc_result result = f->ops->open(&spec, &t->target, err);
    if (result == SC_OK)
        result = f->ops->audit_open(t->target, err);
    if (result == SC_OK)
        result = check_log(f, i, err);
    if (result == SC_OK)
        result = f->ops->session_open(t->target, "audit", &session, err);
    if (result == SC_OK)
        result = f->ops->audit_describe(session, &s->table, &f->arena, described, err);
    f->ops->session_close(session);
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

/* What consumers are told and may not change; malloc'd. */
static char *settings_of(const struct flow *f, size_t i)
{
    const struct audit_table *t = &f->described[i];
    struct buf b = {0};
    char *common = audit_settings_text(f->config->settings);
    buf_printf(&b, "%s; topic %s; key", common, t->topic);
    for (size_t k = 0; k < t->nkey; k++)
        buf_printf(&b, " %s", t->columns[t->key_order[k]].name);
    standing_change_add(&b, f, i);
    char *text = mem_strdup(buf_cstr(&b));
    mem_free(common);
    buf_fini(&b);
    return text;
}

enum sc_result standing_learn(struct flow *f, struct sc_error *err)
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
        f->describes_if = one.describes_if;
        f->names[2 * i] = schema_of(&f->described[i]);
        f->names[2 * i + 1] = f->described[i].name;
        f->tables[i].settings = settings_of(f, i);
        f->standing[i] = (struct standing_table){.schema = f->names[2 * i],
                                                 .name = f->names[2 * i + 1],
                                                 .number = f->sources[i].id,
                                                 .settings = f->tables[i].settings};
    }
    return result;
}
