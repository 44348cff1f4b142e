#include <string.h>
#include <strings.h>

#include "base/plant.h"
#include "cdc/mysql/query.h"

enum same { SAME_NO, SAME_MAYBE, SAME_YES };

static bool is_ascii(const char *s)
{
    for (; *s; s++)
        if (*s & 0x80)
            return false;
    return true;
}

/* Equal but for case, looking at the letters of ASCII alone? */
static bool same_ascii_letters(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a & 0x80)
            a++;
        while (*b & 0x80)
            b++;
        if (strncasecmp(a, b, 1) != 0)
            return false;
        if (!*a)
            return true;
    }
}

/* Is `theirs`, in the statement's character set, our name? */
static enum same compare(const char *theirs, const char *ours, bool ignore_case, bool utf8)
{
    bool ascii = is_ascii(theirs);
    if (ascii != is_ascii(ours))
        return SAME_NO;
    if (ascii)
        return (ignore_case ? strcasecmp(theirs, ours) : strcmp(theirs, ours)) == 0 ? SAME_YES : SAME_NO;
    if (!utf8)
        return SAME_MAYBE;
    if (strcmp(theirs, ours) == 0)
        return SAME_YES;
    return ignore_case && same_ascii_letters(theirs, ours) ? SAME_MAYBE : SAME_NO;
}

static enum same least(enum same a, enum same b)
{
    return a < b ? a : b;
}

/* Both names; the default database is in UTF-8 whatever the text is in. */
static enum same same_table(const struct my_statement *s, const struct my_statement_table *t, const char *schema,
                            const char *table, bool ignore_case)
{
    bool is_default = t->schema == s->schema;
    enum same where = compare(t->schema, schema, ignore_case, is_default || s->utf8_names);
    if (!t->name)
        return where;
    return least(where, compare(t->name, table, ignore_case, s->utf8_names));
}

/* Names of this program's own tables: the ghost, the old one, its state. */
static bool is_own(const char *name)
{
    return strstr(name, "_seachange_") != NULL;
}

static enum my_statement_effect stop(const char **why, const char *text)
{
    *why = text;
    return MY_EFFECT_STOP;
}

static enum my_statement_effect of_ddl(const struct my_statement *s, const char *schema, const char *table,
                                       bool ignore_case, const char **why)
{
    if (PLANTED(B9_DDL_IN_THE_LOG_IGNORED) && s->kind != MY_STATEMENT_TRUNCATE)
        return MY_EFFECT_NONE;
    if (s->opaque)
        return stop(why, "it names more than can be compared");
    for (size_t i = 0; i < s->ntables; i++) {
        const struct my_statement_table *t = &s->tables[i];
        if (t->referenced && s->tables[0].name && is_own(s->tables[0].name))
            continue;
        enum same same = same_table(s, t, schema, table, ignore_case);
        if (same == SAME_YES && s->kind == MY_STATEMENT_TRUNCATE)
            return MY_EFFECT_TRUNCATE;
        if (same == SAME_YES)
            return stop(why, t->name ? "it names the table" : "it names the table's schema");
        if (same == SAME_MAYBE)
            return stop(why, "it names a table that may be this one (letters beyond ASCII)");
    }
    return MY_EFFECT_NONE;
}

static enum my_statement_effect of_dml(const struct my_statement *s, const char *schema, const char **why)
{
    if (s->opaque)
        return stop(why, "it is logged as a statement, not as rows, and may change tables that it does not name");
    if (compare(s->schema, schema, true, true) != SAME_NO)
        return stop(why, "it is logged as a statement, not as rows, with the table's schema as default database");
    for (size_t i = 0; i < s->ntables; i++)
        if (compare(s->tables[i].schema, schema, true, s->utf8_names) != SAME_NO)
            return stop(why, "it is logged as a statement, not as rows, and names the table's schema");
    return MY_EFFECT_NONE;
}

enum my_statement_effect my_statement_effect(const struct my_statement *statement, const char *schema,
                                             const char *table, int lower_case_table_names, const char **why)
{
    *why = "";
    switch (statement->kind) {
    case MY_STATEMENT_TRUNCATE:
    case MY_STATEMENT_DDL:
        return of_ddl(statement, schema, table, lower_case_table_names != 0, why);
    case MY_STATEMENT_DML:
        return of_dml(statement, schema, why);
    case MY_STATEMENT_UNKNOWN:
        return stop(why, "it is not a statement whose effect is known");
    default:
        return MY_EFFECT_NONE;
    }
}

bool my_statement_only_alters(const struct my_statement *statement, const char *schema, const char *table,
                              int lower_case_table_names)
{
    return statement->kind == MY_STATEMENT_DDL && statement->alters != MY_ALTERS_ANYTHING && statement->ntables == 1 &&
           same_table(statement, &statement->tables[0], schema, table, lower_case_table_names != 0) == SAME_YES;
}
