/* The table's rows as the log has them (cdc/mysql/values.h). Most values are what a query shows under our sessions'
 * settings: results are not converted, times are in UTC. The others are asked for in another way, or rewritten here. */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"
#include "applier/mysql/rows.h"
#include "applier/mysql/state.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/values.h"

/* --- one table by itself
 * -------------------------------------------------------------------------------------------------- */

static enum sc_result choose_key(struct target *t, const char *shown, struct sc_error *err)
{
    const struct my_index *index = NULL;
    for (int i = 0; i < t->source.nindexes && !index; i++) /* the primary key comes first */
        if (t->source.indexes[i].usable)
            index = &t->source.indexes[i];
    if (!index)
        return error_set(err, SC_REFUSE, "table %s has no key by which its rows are known", shown);
    t->key = (struct my_key){.index_name = arena_strdup(&t->arena, index->name),
                             .primary = index->kind == MY_INDEX_PRIMARY,
                             .count = index->count,
                             .columns = arena_array(&t->arena, (size_t)index->count, sizeof(int))};
    memcpy(t->key.columns, index->columns, (size_t)index->count * sizeof(int));
    my_logged_columns(t);
    return SC_OK;
}

enum sc_result my_audit_open(struct target *t, struct sc_error *err)
{
    enum sc_result result = my_resolve_table(t, err);
    if (result == SC_OK)
        result = my_table_load(t->control, t->schema, t->name, &t->source, err);
    if (result != SC_OK)
        return result;
    result = my_log_describes(t->control, &t->log_describes, err);
    if (result != SC_OK)
        return result;
    my_name_new(t); /* by which its sessions are known */
    mem_free(t->server.application);
    t->server.application = mem_printf("seachange %s", t->migration.id);
    t->reads_only = true;
    if (strcasecmp(t->source.type, "BASE TABLE") != 0)
        return error_set(err, SC_REFUSE, "%s is not an ordinary table: only these have a log", t->migration.table);
    if (strcasecmp(t->source.engine, "InnoDB") != 0)
        return error_set(err, SC_REFUSE,
                         "the engine of table %s is %s: only InnoDB shows a table as it was at one moment",
                         t->migration.table, t->source.engine);
    return choose_key(t, t->migration.table, err);
}

/* --- values
 * --------------------------------------------------------------------------------------------------------------- */

/* What has to be done with what the server shows. */
enum form {
    AS_IT_IS,
    NO_ZEROS, /* ZEROFILL, YEAR: without zeros in front */
    FLOAT,    /* a double that stands for it, with all its digits */
    DOUBLE,
    INET4,
    INET6,
    NOTHING, /* the log has no value of it */
};

static enum form form_of(const struct my_literal *l)
{
    const struct my_column *c = l->column;
    if (c->generated && !c->stored)
        return NOTHING;
    switch (l->kind) {
    case MY_LITERAL_FLOAT:
        return FLOAT;
    case MY_LITERAL_DOUBLE:
        return DOUBLE;
    case MY_LITERAL_NUMBER:
        return strcmp(c->data_type, "year") == 0 || strstr(c->type, "zerofill") ? NO_ZEROS : AS_IT_IS;
    case MY_LITERAL_QUOTED:
        return strcmp(c->data_type, "inet4") == 0 ? INET4 : strcmp(c->data_type, "inet6") == 0 ? INET6 : AS_IT_IS;
    default:
        return AS_IT_IS;
    }
}

/* A FLOAT by itself is shown with six digits, FLOAT(m,n) and DOUBLE(m,n) with n behind the point; multiplied by one a
 * negative zero stays one. Members of ENUM and SET have their numbers, and so have bits. */
static void add_select(struct buf *b, const struct my_literal *l)
{
    const struct my_column *c = l->column;
    bool by_number = l->kind == MY_LITERAL_ENUM || l->kind == MY_LITERAL_SET || strcmp(c->data_type, "bit") == 0;
    enum form form = form_of(l);
    if (form == NOTHING) {
        buf_str(b, "NULL");
        return;
    }
    buf_str(b, by_number ? "CAST(" : "");
    my_add_ident(b, c->name);
    buf_str(b, by_number ? " AS UNSIGNED)" : form == FLOAT || form == DOUBLE ? " * 1e0" : "");
}

/* "00012.50", "-0.5" and "0000": one digit in front of the point stays. */
static void cut_zeros(struct value *v)
{
    while (v->len > 1 && v->data[0] == '0' && v->data[1] >= '0' && v->data[1] <= '9') {
        v->data++;
        v->len--;
    }
}

/* The server prints addresses in its own way; the log's reader as inet_ntop() does. */
static bool rewrite_address(struct value *v, int family, struct arena *arena)
{
    unsigned char address[16];
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(family, v->data, address) != 1 || !inet_ntop(family, address, text, sizeof(text)))
        return false;
    v->len = (uint32_t)strlen(text);
    v->data = arena_copy(arena, text, v->len);
    return true;
}

static bool rewrite_number(struct value *v, enum form form, struct arena *arena)
{
    char text[MY_FLOAT_TEXT], *end;
    double number = strtod(v->data, &end);
    if (*end || end == v->data || !isfinite(number))
        return false;
    v->len = (uint32_t)(form == FLOAT ? my_float_text(text, (float)number) : my_double_text(text, number));
    v->data = arena_copy(arena, text, v->len);
    return true;
}

/* False: it is none of its type's. */
static bool rewrite(struct value *v, enum form form, struct arena *arena)
{
    switch (form) {
    case NO_ZEROS:
        cut_zeros(v);
        return true;
    case FLOAT:
    case DOUBLE:
        return rewrite_number(v, form, arena);
    case INET4:
        return rewrite_address(v, AF_INET, arena);
    case INET6:
        return rewrite_address(v, AF_INET6, arena);
    case AS_IT_IS:
    case NOTHING:
        break;
    }
    return true;
}

/* --- rows
 * ----------------------------------------------------------------------------------------------------------------- */

struct reading {
    const struct target *target;
    struct arena *arena; /* of one row */
    enum form *forms;
    struct value *row;
    enum sc_result (*take)(void *arg, const struct value *row, struct sc_error *err);
    void *arg;
};

static enum sc_result take_row(void *arg, MYSQL_ROW row, const unsigned long *lengths, struct sc_error *err)
{
    struct reading *r = arg;
    arena_reset(r->arena);
    for (int i = 0; i < r->target->source.ncolumns; i++) {
        struct value *v = &r->row[i];
        *v = (struct value){.state = VALUE_NULL};
        if (!row[i])
            continue;
        *v = (struct value){.state = VALUE_PRESENT, .len = (uint32_t)lengths[i], .data = row[i]};
        if (!rewrite(v, r->forms[i], r->arena))
            return error_set(err, SC_FAIL, "a value of column %s of table %s cannot be read as what its type is",
                             r->target->source.columns[i].name, r->target->migration.table);
    }
    return r->take(r->arg, r->row, err);
}

/* Two digits of a year do not say which one the log has. */
static enum sc_result prepare_columns(const struct target *t, struct my_literal *literals, enum form *forms,
                                      struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->source.ncolumns && result == SC_OK; i++) {
        const struct my_column *c = &t->source.columns[i];
        if (strncmp(c->type, "year(2)", 7) == 0)
            return error_set(err, SC_REFUSE, "column %s of table %s is a YEAR(2), which shows two digits of a year",
                             c->name, t->migration.table);
        result = my_literal_init(&literals[i], t->server.family, c, err);
        if (result == SC_OK)
            forms[i] = form_of(&literals[i]);
    }
    return result;
}

static enum sc_result add_statement(struct buf *sql, const struct target *t, const struct my_literal *literals,
                                    const struct chunk *range, struct sc_error *err)
{
    buf_str(sql, "SELECT ");
    for (int i = 0; i < t->source.ncolumns; i++) {
        buf_str(sql, i ? ", " : "");
        add_select(sql, &literals[i]);
    }
    buf_str(sql, " FROM ");
    my_add_qualified(sql, t->schema, t->source.name);
    if (!range)
        return SC_OK;
    buf_str(sql, " FORCE INDEX (");
    my_add_ident(sql, t->key.index_name);
    buf_char(sql, ')');
    return my_add_range(sql, t, literals, range->after, range->upto, err);
}

enum sc_result my_audit_rows(struct session *s, const struct chunk *range,
                             enum sc_result (*take)(void *arg, const struct value *row, struct sc_error *err),
                             void *arg, struct sc_error *err)
{
    const struct target *t = s->target;
    size_t count = (size_t)t->source.ncolumns + 1;
    struct arena arena = {0};
    struct buf sql = {0};
    struct my_literal *literals = mem_array(count, sizeof(*literals));
    struct reading reading = {.target = t, .arena = &arena, .take = take, .arg = arg};
    reading.forms = mem_array(count, sizeof(*reading.forms));
    reading.row = mem_array(count, sizeof(*reading.row));
    enum sc_result result = prepare_columns(t, literals, reading.forms, err);
    if (result == SC_OK)
        result = add_statement(&sql, t, literals, range, err);
    if (result == SC_OK) /* one statement sees the table as it was when it began */
        result = my_stream(s->conn, err, buf_cstr(&sql), take_row, &reading);
    buf_fini(&sql);
    mem_free(literals);
    mem_free(reading.forms);
    mem_free(reading.row);
    arena_fini(&arena);
    return result;
}
