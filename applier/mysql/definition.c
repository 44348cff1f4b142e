/* A line for each column, index and constraint (manual, SHOW CREATE TABLE; strings in it hold no line ends). */
#include "applier/mysql/definition.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

int my_table_column(const struct my_table *table, const char *name)
{
    for (int i = 0; i < table->ncolumns; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            return i;
    return -1;
}

/* The identifier in backticks at *p, which is moved behind it; NULL: there is none. */
static const char *take_name(struct arena *arena, const char **p, const char *end)
{
    const char *s = *p;
    if (s >= end || *s != '`')
        return NULL;
    char *name = arena_alloc(arena, (size_t)(end - s) + 1), *out = name;
    for (s++; s < end; s++) {
        if (*s == '`' && (s + 1 >= end || s[1] != '`'))
            break;
        if (*s == '`')
            s++;
        *out++ = *s;
    }
    *p = s < end ? s + 1 : s;
    return name;
}

/* Behind the closing quote or bracket of what opens at p. */
static const char *skip_group(const char *p, const char *end)
{
    if (*p == '\'' || *p == '`' || *p == '"') {
        char quote = *p++;
        for (; p < end && *p != quote; p++)
            if (*p == '\\' && quote != '`')
                p++;
        return p < end ? p + 1 : end;
    }
    int depth = 0;
    while (p < end) {
        if (*p == '\'' || *p == '`' || *p == '"') {
            p = skip_group(p, end);
            continue;
        }
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        p++;
        if (depth == 0)
            break;
    }
    return p;
}

/* The columns between the brackets: "`a`,`b`(10) DESC,(expression)". */
static void take_parts(struct my_table *table, struct my_index *index, const char *p, const char *end)
{
    index->columns = arena_array(&table->arena, MAX_KEY_COLUMNS, sizeof(int));
    bool usable = index->kind == MY_INDEX_UNIQUE || index->kind == MY_INDEX_PRIMARY;
    while (p < end && index->count < MAX_KEY_COLUMNS) {
        int column = -1;
        if (*p == '`') {
            const char *name = take_name(&table->arena, &p, end);
            column = my_table_column(table, name);
            if (p < end && *p == '(') /* a prefix of the column */
                usable = false;
        }
        if (column < 0 || !table->columns[column].not_null || table->columns[column].generated)
            usable = false;
        index->columns[index->count++] = column;
        while (p < end && *p != ',')
            p = *p == '(' || *p == '`' ? skip_group(p, end) : p + 1;
        p += p < end;
    }
    index->usable = usable && index->count > 0;
}

static const struct {
    const char *prefix;
    enum my_index_kind kind;
} index_kinds[] = {
    {"PRIMARY KEY ", MY_INDEX_PRIMARY}, {"UNIQUE KEY ", MY_INDEX_UNIQUE}, {"KEY ", MY_INDEX_PLAIN},
    {"FULLTEXT KEY ", MY_INDEX_OTHER},  {"SPATIAL KEY ", MY_INDEX_OTHER}, {"VECTOR KEY ", MY_INDEX_OTHER},
};

static void take_index(struct my_table *table, const char *line, const char *end)
{
    for (size_t i = 0; i < sizeof(index_kinds) / sizeof(index_kinds[0]); i++) {
        size_t len = strlen(index_kinds[i].prefix);
        if (strncmp(line, index_kinds[i].prefix, len) != 0)
            continue;
        struct my_index *index = &table->indexes[table->nindexes++];
        *index = (struct my_index){.kind = index_kinds[i].kind,
                                   .definition = arena_copy(&table->arena, line, (size_t)(end - line))};
        const char *p = line + len;
        index->name = *p == '`' ? take_name(&table->arena, &p, end) : "PRIMARY";
        const char *open = memchr(p, '(', (size_t)(end - p));
        if (open)
            take_parts(table, index, open + 1, skip_group(open, end) - 1);
        /* MariaDB: unique over values too long for an index, by their hash. */
        if (open && strstr(index->definition, " USING HASH"))
            index->usable = false;
        return;
    }
}

static void take_constraint(struct my_table *table, const char *line, const char *end)
{
    const char *p = line + strlen("CONSTRAINT ");
    struct my_constraint *c = &table->constraints[table->nconstraints++];
    c->name = take_name(&table->arena, &p, end);
    while (p < end && isspace((unsigned char)*p))
        p++;
    c->definition = arena_copy(&table->arena, p, (size_t)(end - p));
    c->foreign = strncmp(p, "FOREIGN KEY", 11) == 0;
}

void my_definition_read(struct my_table *table)
{
    size_t lines = 1;
    for (const char *p = table->create; *p; p++)
        lines += *p == '\n';
    table->indexes = arena_array(&table->arena, lines, sizeof(*table->indexes));
    table->constraints = arena_array(&table->arena, lines, sizeof(*table->constraints));
    const char *line = strchr(table->create, '\n');
    while (line && line[1] == ' ') {
        line += 1 + strspn(line + 1, " ");
        const char *next = strchr(line, '\n'), *end = next ? next : line + strlen(line);
        if (end > line && end[-1] == ',')
            end--;
        if (*line == '`') {
            const char *p = line, *name = take_name(&table->arena, &p, end);
            int column = my_table_column(table, name);
            p += p < end;
            if (column >= 0)
                table->columns[column].definition = arena_copy(&table->arena, p, (size_t)(end - p));
        } else if (strncmp(line, "CONSTRAINT `", 12) == 0) {
            take_constraint(table, line, end);
        } else {
            take_index(table, line, end);
        }
        line = next;
    }
}

const char *my_auto_increment_option(const char *create, size_t *len)
{
    static const char option[] = " AUTO_INCREMENT=";
    const char *tail = NULL;
    for (const char *p = create; (p = strstr(p, "\n) ")) != NULL; p++)
        tail = p;
    const char *engine = tail ? strstr(tail, "ENGINE=") : NULL;
    const char *found = engine ? engine + strcspn(engine, " ") : NULL;
    if (!found || strncmp(found, option, sizeof(option) - 1) != 0)
        return NULL;
    *len = sizeof(option) - 1 + strspn(found + sizeof(option) - 1, "0123456789");
    return found;
}

void my_members_read(struct arena *arena, struct my_column *c)
{
    const char *p = strchr(c->type, '(');
    if (!p || (strcasecmp(c->data_type, "enum") != 0 && strcasecmp(c->data_type, "set") != 0))
        return;
    size_t most = 1;
    for (const char *s = p; *s; s++)
        most += *s == ',';
    const char **members = arena_array(arena, most, sizeof(*members));
    for (p++; *p == '\''; p += *p == ',') {
        char *text = arena_alloc(arena, strlen(p) + 1), *out = text;
        for (p++; *p; p++) {
            if (*p == '\'' && p[1] != '\'')
                break;
            if (*p == '\'')
                p++;
            else if (*p == '\\' && p[1]) {
                p++;
                *out++ = *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p == '0' ? '\0' : *p;
                continue;
            }
            *out++ = *p;
        }
        members[c->nmembers++] = text;
        p += *p == '\'';
    }
    c->members = members;
}
