/* What is read of MySQL's and MariaDB's statements: the operator's ALTER, the definition that SHOW CREATE TABLE prints,
 * the members of ENUM and SET. */
#include "applier/mysql/alter.h"
#include "applier/mysql/definition.h"
#include "base/mysql/conn.h"
#include "fuzz/fuzz.h"
#include "fuzz/my_alter.h"

/* --- ALTER --- */

static void check_actions(const struct my_alter *a)
{
    size_t len = strlen(a->text), at = 0;
    HOLDS(a->count > 0);
    for (int i = 0; i < a->count; i++) {
        HOLDS(a->actions[i].start >= at && a->actions[i].start < a->actions[i].end && a->actions[i].end <= len);
        at = a->actions[i].end;
    }
    for (int i = 0; i < a->nforeign_added; i++) {
        const struct my_foreign_clause *f = &a->foreign_added[i];
        HOLDS(f->ncolumns > 0 && f->columns && f->refs && f->table);
    }
    for (int i = 0; i < a->nforeign_dropped; i++)
        HOLDS(a->foreign_dropped[i].name && a->foreign_dropped[i].action < a->count);
    for (int i = 0; i < a->nnamed; i++)
        HOLDS(a->named[i].start < a->named[i].end && a->named[i].end <= len);
}

/* A foreign key written out is the same one when it is read. */
static void check_foreign(const struct my_foreign_clause *f)
{
    struct buf b = {0};
    struct my_alter back;
    struct sc_error err;
    buf_str(&b, "ADD CONSTRAINT ");
    my_add_ident(&b, f->name ? f->name : "none");
    buf_str(&b, " FOREIGN KEY (");
    for (int i = 0; i < f->ncolumns; i++) {
        buf_str(&b, i ? "," : "");
        my_add_ident(&b, f->columns[i]);
    }
    buf_str(&b, ") REFERENCES ");
    if (f->schema) {
        my_add_ident(&b, f->schema);
        buf_char(&b, '.');
    }
    my_add_ident(&b, f->table);
    buf_str(&b, " (");
    for (int i = 0; i < f->ncolumns; i++) {
        buf_str(&b, i ? "," : "");
        my_add_ident(&b, f->refs[i]);
    }
    buf_char(&b, ')');
    if (f->on_delete)
        buf_printf(&b, " ON DELETE %s", f->on_delete);
    if (f->on_update)
        buf_printf(&b, " ON UPDATE %s", f->on_update);
    HOLDS(my_alter_parse(buf_cstr(&b), (struct my_alter_mode){0}, &back, &err) == SC_OK);
    HOLDS(back.nforeign_added == 1);
    const struct my_foreign_clause *g = &back.foreign_added[0];
    HOLDS(g->ncolumns == f->ncolumns && fuzz_same_text(f->schema, g->schema) && fuzz_same_text(f->table, g->table) &&
          fuzz_same_text(f->on_delete, g->on_delete) && fuzz_same_text(f->on_update, g->on_update));
    for (int i = 0; i < f->ncolumns; i++)
        HOLDS(fuzz_same_text(f->columns[i], g->columns[i]) && fuzz_same_text(f->refs[i], g->refs[i]));
    my_alter_fini(&back);
    buf_fini(&b);
}

/* The text that goes to the server is what was given, without the actions that are cut, and with other names where
 * names were to be replaced. */
static void check_text(const struct my_alter *a, struct my_alter_mode mode)
{
    struct my_renamed names = {.from = a->nnamed ? a->named[0].name : "none", .to = "other `name"};
    struct sc_error err;
    int cut = 0;
    for (int i = 0; i < a->count; i++)
        cut += a->actions[i].cut;
    for (int with_names = 0; with_names < 2; with_names++) {
        char *text = my_alter_text(a, &names, with_names);
        struct my_alter back;
        if (!cut && !(with_names && a->nnamed))
            HOLDS(strcmp(text, a->text) == 0);
        if (cut == a->count) {
            HOLDS(!*text);
        } else {
            HOLDS(my_alter_parse(text, mode, &back, &err) == SC_OK);
            HOLDS(back.count == a->count - cut && back.nforeign_added == 0 && back.nrenamed == a->nrenamed &&
                  back.ndropped == a->ndropped && back.nnamed == a->nnamed && back.sets_counter == a->sets_counter &&
                  back.counter == a->counter);
            for (int i = 0; i < a->nrenamed; i++)
                HOLDS(fuzz_same_text(a->renamed[i].from, back.renamed[i].from) &&
                      fuzz_same_text(a->renamed[i].to, back.renamed[i].to));
            for (int i = 0; i < a->ndropped; i++)
                HOLDS(fuzz_same_text(a->dropped[i], back.dropped[i]));
            if (with_names && a->nnamed)
                HOLDS(strcmp(back.named[0].name, names.to) == 0);
            my_alter_fini(&back);
        }
        mem_free(text);
    }
}

static void alter(uint8_t how, const char *text)
{
    struct my_alter_mode mode = {.ansi_quotes = how & 1, .no_backslash_escapes = how & 2};
    struct my_alter a;
    struct sc_error err;
    enum sc_result result = my_alter_parse(text, mode, &a, &err);
    HOLDS(result == SC_OK || (result == SC_REFUSE && err.what[0]));
    if (result != SC_OK)
        return;
    check_actions(&a);
    check_text(&a, mode);
    for (int i = 0; i < a.nforeign_added; i++)
        check_foreign(&a.foreign_added[i]);
    my_alter_fini(&a);
}

/* --- SHOW CREATE TABLE --- */

static void definition(const char *create)
{
    static const char *const names[] = {"id", "a", "b", "c`d", "not_null"};
    enum { COLUMNS = sizeof(names) / sizeof(names[0]) };
    struct my_table table = {.create = create, .ncolumns = COLUMNS};
    size_t len = 0;
    table.columns = arena_array(&table.arena, COLUMNS, sizeof(*table.columns));
    for (int i = 0; i < COLUMNS; i++)
        table.columns[i] = (struct my_column){.name = names[i], .definition = "", .not_null = i != 1};
    my_definition_read(&table);
    for (int i = 0; i < table.nindexes; i++) {
        const struct my_index *index = &table.indexes[i];
        HOLDS(index->name && index->definition && strstr(create, index->definition));
        HOLDS(index->count >= 0 && index->count <= MAX_KEY_COLUMNS && (!index->usable || index->count > 0));
        for (int k = 0; k < index->count; k++) {
            HOLDS(index->columns[k] >= -1 && index->columns[k] < COLUMNS);
            HOLDS(!index->usable || (index->columns[k] >= 0 && table.columns[index->columns[k]].not_null));
        }
    }
    for (int i = 0; i < table.nconstraints; i++)
        HOLDS(table.constraints[i].name && strstr(create, table.constraints[i].definition));
    for (int i = 0; i < COLUMNS; i++)
        HOLDS(strstr(create, table.columns[i].definition));
    const char *next = my_auto_increment_option(create, &len);
    HOLDS(!next || (next >= create && next + len <= create + strlen(create)));
    /* A foreign key or check as the server prints it is one that an ALTER can say again, or is refused. */
    for (int i = 0; i < table.nconstraints && i < 4; i++) {
        struct my_alter a;
        struct sc_error err;
        char *text = mem_printf("ADD CONSTRAINT x %s", table.constraints[i].definition);
        if (my_alter_parse(text, (struct my_alter_mode){0}, &a, &err) == SC_OK) {
            HOLDS(a.nforeign_added == 0 || table.constraints[i].foreign || a.count > 1 || !strstr(text, "FOREIGN KEY"));
            my_alter_fini(&a);
        }
        mem_free(text);
    }
    arena_fini(&table.arena);
}

/* --- members --- */

static void members_of(const char *type, const char *data_type)
{
    struct arena arena = {0};
    struct my_column c = {.type = type, .data_type = data_type};
    my_members_read(&arena, &c);
    for (int i = 0; i < c.nmembers; i++)
        HOLDS(c.members[i] && strlen(c.members[i]) <= strlen(type));
    arena_fini(&arena);
}

/* Lines are members: written as the server does, they come back. */
static void members_written(const char *lines)
{
    struct arena arena = {0};
    struct buf type = {0};
    buf_str(&type, "set(");
    int count = 0;
    for (const char *p = lines;; p++) {
        size_t len = strcspn(p, "\n");
        buf_str(&type, count++ ? ",'" : "'");
        for (; len > 0; p++, len--) {
            if (*p == '\'' || *p == '\\')
                buf_char(&type, *p);
            if (*p == '\r')
                buf_str(&type, "\\r");
            else
                buf_char(&type, *p);
        }
        buf_char(&type, '\'');
        if (!*p)
            break;
    }
    buf_char(&type, ')');
    struct my_column c = {.type = buf_cstr(&type), .data_type = "set"};
    my_members_read(&arena, &c);
    HOLDS(c.nmembers == count);
    const char *p = lines;
    for (int i = 0; i < count; i++, p++) {
        size_t len = strcspn(p, "\n");
        HOLDS(strlen(c.members[i]) == len && memcmp(c.members[i], p, len) == 0);
        p += len;
    }
    arena_fini(&arena);
    buf_fini(&type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = fuzz_text(data + 1, size - 1);
    switch (data[0] >> 4) {
    case FUZZ_ALTER:
        alter(data[0], text);
        break;
    case FUZZ_DEFINITION:
        definition(text);
        break;
    case FUZZ_MEMBERS:
        members_of(text, data[0] & 1 ? "enum" : "set");
        break;
    case FUZZ_MEMBERS_WRITTEN:
        members_written(text);
        break;
    default:
        break;
    }
    free(text);
    return 0;
}
