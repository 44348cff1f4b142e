/* What a statement of a QUERY event means for one table.
 *
 * The text is tokenized (quoted identifiers, strings, comments, versioned comments, whose content counts) and
 * classified by its first words. It is strict rather than clever: what cannot be read, or cannot be proven to be
 * none of our table's business, stops the migration. */
#ifndef SC_CDC_MYSQL_QUERY_H
#define SC_CDC_MYSQL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "cdc/mysql/events.h"

enum my_statement_kind {
    MY_STATEMENT_HARMLESS, /* changes no row and no table: ANALYZE, GRANT, CREATE USER, FLUSH, SET ... */
    MY_STATEMENT_BEGIN,
    MY_STATEMENT_COMMIT,
    MY_STATEMENT_ROLLBACK,
    MY_STATEMENT_SAVEPOINT,   /* `name` */
    MY_STATEMENT_ROLLBACK_TO, /* `name` */
    MY_STATEMENT_RELEASE,     /* `name` */
    MY_STATEMENT_XA_START,    /* `name`: the xid as written, without blanks: X'61',X'62',1 */
    MY_STATEMENT_XA_END,
    MY_STATEMENT_XA_PREPARE,
    MY_STATEMENT_XA_COMMIT, /* `one_phase` */
    MY_STATEMENT_XA_ROLLBACK,
    MY_STATEMENT_TRUNCATE, /* tables[0] */
    MY_STATEMENT_DDL,      /* changes tables */
    MY_STATEMENT_DML,      /* changes rows, and is logged as a statement */
    MY_STATEMENT_UNKNOWN,  /* not known, or cannot be tokenized */
};

struct my_statement_table {
    const char *schema; /* "" none, not even a default database */
    const char *name;   /* NULL: the whole schema (DROP DATABASE) */
    bool referenced;    /* behind REFERENCES */
};

/* What a statement that names one table, and no other, does to it. */
enum my_statement_alters {
    MY_ALTERS_ANYTHING, /* or it is no such statement, or cannot be read with certainty */
    MY_ALTERS_INDEXES,  /* no column, no row */
    MY_ALTERS_COLUMNS,  /* columns, indexes, and what values are in them: the same rows, known by the same name */
};

struct my_statement {
    enum my_statement_kind kind;
    const char *verb; /* first words in upper case for messages, "ALTER TABLE"; never a value */
    const char *name; /* savepoint, xid; else "" */
    bool one_phase;
    const char *schema; /* default database, "" none */
    /* DDL, TRUNCATE: every table it could mean. DML: every pair of names with a dot between, which may be a schema and
     * what is in it. */
    struct my_statement_table *tables;
    size_t ntables;
    bool opaque;     /* it could touch tables that it does not name (CALL, a function) */
    bool utf8_names; /* the text is in UTF-8; else names with letters beyond ASCII cannot be compared */
    enum my_statement_alters alters;
    /* MY_ALTERS_COLUMNS: */
    const char **words; /* every word and every name in it, once or more often */
    size_t nwords;
    bool changes; /* a column that is there: CHANGE, MODIFY, DROP, RENAME COLUMN */
    bool renames; /* a column: CHANGE, RENAME COLUMN */
    bool untold;  /* it may add what table maps do not tell: generated columns, MariaDB's UUID, INET4, INET6, VECTOR */
};

/* Bits of @@sql_mode that change how text is read (sql/query_options.h). */
#define MY_SQL_MODE_ANSI_QUOTES UINT64_C(4)
#define MY_SQL_MODE_NO_BACKSLASH_ESCAPES UINT64_C(0x100000)

/* Classifies the text, as written under the event's default database, sql_mode and character set. Everything comes from
 * the arena. */
void my_statement_read(struct arena *arena, const struct my_query_event *query, struct my_statement *out);

enum my_statement_effect {
    MY_EFFECT_NONE,     /* our table is not touched */
    MY_EFFECT_TRUNCATE, /* our table is emptied, in a transaction of its own */
    MY_EFFECT_STOP,     /* our table is, or may be, changed in a way that row events do not tell */
};

/* What it means for schema.table, whose names are in UTF-8. Transaction statements have none. Names are compared as the
 * server's lower_case_table_names says (0: as they are, else ignoring case). DML in statement form stops when its
 * default database, or any qualifier in it, is our schema: through a view, a trigger or a foreign key it could reach
 * our table whatever it names. A foreign key of this program's own tables that refers to the table does not count. *why
 * (static text) says what stops. */
enum my_statement_effect my_statement_effect(const struct my_statement *statement, const char *schema,
                                             const char *table, int lower_case_table_names, const char **why);

/* Is it certain that it stops for no more than what statement->alters says, and for this very table? */
bool my_statement_only_alters(const struct my_statement *statement, const char *schema, const char *table,
                              int lower_case_table_names);

#endif
