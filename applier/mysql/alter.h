/* The operator's ALTER, as far as it has to be understood: which columns it renames and drops, which constraints it
 * names, and whether it is something that a new table cannot stand for. Everything else the server understands when it
 * alters the ghost. Knows no server. */
#ifndef SC_APPLIER_MYSQL_ALTER_H
#define SC_APPLIER_MYSQL_ALTER_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* The sql_mode in which the ALTER is read. */
struct my_alter_mode {
    bool ansi_quotes, no_backslash_escapes;
};
struct my_alter_mode my_alter_mode_of(const char *sql_mode);

struct my_renamed {
    const char *from, *to;
};

/* A constraint's name in the text: bytes [start, end). */
struct my_named {
    const char *name;
    size_t start, end;
};

/* ADD [CONSTRAINT name] FOREIGN KEY [index_name] (columns) REFERENCES [schema.]table (refs) [ON DELETE ..] [ON UPDATE
 * ..].
 */
struct my_foreign_clause {
    const char *name, *index_name; /* NULL: none was given */
    bool if_not_exists;
    int ncolumns;
    const char **columns, **refs;      /* as many refs */
    const char *schema, *table;        /* schema NULL: none was given */
    const char *on_delete, *on_update; /* "CASCADE", "SET NULL" ..., NULL */
};

/* DROP FOREIGN KEY name; DROP CONSTRAINT name may mean one, too. */
struct my_foreign_dropped {
    const char *name;
    int action;
    bool certain, if_exists;
};

struct my_action {
    size_t start, end; /* bytes of the text */
    bool cut;          /* is no part of my_alter_text() */
};

struct my_alter {
    struct arena arena;
    const char *text; /* without a semicolon at the end */
    int count;        /* of actions */
    struct my_action *actions;
    int nforeign_added, nforeign_dropped;
    struct my_foreign_clause *foreign_added; /* their actions are cut */
    struct my_foreign_dropped *foreign_dropped;
    int nrenamed, ndropped, nnamed;
    struct my_renamed *renamed; /* columns */
    const char **dropped;       /* columns */
    struct my_named *named;     /* constraints that are dropped or altered */
    bool foreign;               /* has a foreign key where it is not understood */
    bool sets_counter;          /* the table option AUTO_INCREMENT = counter */
    uint64_t counter;
};

/* SC_REFUSE with the reason; *out is emptied then. */
enum sc_result my_alter_parse(const char *text, struct my_alter_mode mode, struct my_alter *out, struct sc_error *err);
void my_alter_fini(struct my_alter *alter);

/* The text with constraint names[i].from replaced by names[i].to, and without actions that are cut; malloc'd. Empty
 * where all are. */
char *my_alter_text(const struct my_alter *alter, const struct my_renamed *names, int count);

#endif
