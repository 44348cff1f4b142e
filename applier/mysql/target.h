/* What is known of one migration on MySQL or MariaDB. Shared by the files of this folder, by no one else. */
#ifndef SC_APPLIER_MYSQL_TARGET_H
#define SC_APPLIER_MYSQL_TARGET_H

#include <pthread.h>

#include "applier/target.h"
#include "base/ids.h"
#include "base/mysql/conn.h"

/* MAX_REF_PARTS: the most columns an index can have (MySQL manual, InnoDB limits; MariaDB: 32). */
#define MAX_KEY_COLUMNS 32

/* A column as information_schema.COLUMNS has it. Strings live in the table's arena. */
struct my_column {
    const char *name;
    const char *type;                /* COLUMN_TYPE: "bigint unsigned", "enum('a','b')" */
    const char *data_type;           /* DATA_TYPE: "bigint" */
    const char *charset, *collation; /* NULL where it has none */
    const char *definition;          /* everything behind the name, as SHOW CREATE TABLE prints it */
    const char *extra;               /* EXTRA */
    bool is_unsigned, not_null, auto_increment;
    bool generated, stored; /* generated column; STORED/PERSISTENT */
    bool invisible;
    bool bytewise; /* equal for the server means equal as the text of cdc/mysql/values.h (for key columns) */
    const char *const *members; /* ENUM, SET: the names, utf8mb4, in order; else NULL */
    int nmembers;
};

enum my_index_kind {
    MY_INDEX_PLAIN,
    MY_INDEX_UNIQUE,
    MY_INDEX_PRIMARY,
    MY_INDEX_OTHER, /* FULLTEXT, SPATIAL, VECTOR: built one at a time */
};

struct my_index {
    const char *name;       /* "PRIMARY" for the primary key */
    const char *definition; /* as SHOW CREATE TABLE prints it: "UNIQUE KEY `u` (`a`,`b`)" */
    enum my_index_kind kind;
    bool usable; /* as a key: unique, over whole columns that are NOT NULL and not generated */
    int count;
    int *columns; /* -1: an expression */
};

/* A foreign key, or a CHECK with a name of its own, as SHOW CREATE TABLE prints it behind "CONSTRAINT name". */
struct my_constraint {
    const char *name, *definition;
    bool foreign;
};

struct my_table {
    struct arena arena;
    const char *schema, *name;
    const char *type; /* "BASE TABLE", "VIEW", "SYSTEM VERSIONED" ... */
    const char *engine, *row_format, *comment, *options;
    int ncolumns; /* all, generated ones too, in ordinal order: the order of the log's rows */
    struct my_column *columns;
    uint64_t rows_estimated, data_bytes, index_bytes;
    uint64_t auto_increment; /* next value; 0: none */
    const char *create;      /* SHOW CREATE TABLE */
    int nindexes;
    struct my_index *indexes;
    int nconstraints;
    struct my_constraint *constraints;
};

/* The key by which rows are copied and found: the primary key, else a unique index over NOT NULL columns (whole
 * columns, no prefix, no expression) that source and ghost share. */
struct my_key {
    const char *index_name; /* on the source, for FORCE INDEX */
    const char *ghost_index_name;
    bool primary, ghost_primary;
    int count;
    int *columns; /* indexes into source.columns, in index order */
};

/* One column of the ghost that is filled from a column of the source. Generated, added and dropped columns are not
 * here. */
struct my_mapped {
    const char *ghost_column;
    int source_column;
    bool converts; /* its type, character set, members ... differ: a value has to pass through a column of the source's
                      type */
};

struct my_map {
    int ncolumns;
    struct my_mapped *columns;
    int nkey;
    int *key; /* indexes into `columns`, in my_key order */
};

/* How the server tells who holds a table's lock. */
enum my_holders_by { MY_HOLDERS_GUESSED, MY_HOLDERS_BY_SCHEMA /* performance */, MY_HOLDERS_BY_PLUGIN };

/* When a captured definition is put back on the ghost. */
enum my_stage {
    MY_STAGE_INDEX,   /* secondary indexes, all in one ALTER TABLE, behind the fence */
    MY_STAGE_AFTER,   /* the comment, ANALYZE ... */
    MY_STAGE_CUTOVER, /* under the cutover's lock, before the swap: triggers onto the ghost (nothing is applied any
                         more) */
    MY_STAGE_POST,    /* after the swap: what the new table was lent goes ... */
    /* Foreign keys. Before the swap: */
    MY_STAGE_ROWS, /* do the rows fit what the ALTER adds? */
    /* after it: */
    MY_STAGE_RELEASE,        /* the old table's go */
    MY_STAGE_FOREIGN,        /* the new table's come */
    MY_STAGE_STRAYS,         /* is there a row that does not fit? */
    MY_STAGE_STRAYS_CARRIED, /* the same, where only rows can that came while the key was not there */
};

struct my_todo {
    int number;
    enum my_stage stage;
    const char *name; /* for people */
    const char *sql;  /* names are qualified */
    bool done;
};

struct target {
    struct migration_spec spec; /* strings owned */
    struct my_server server;
    struct my_conn *control; /* the coordinator's own connection; holds GET_LOCK from begin() on */
    struct migration migration;
    uint64_t token; /* fencing token of this instance; every checkpoint compares it */

    char *schema, *name; /* of the source, resolved */
    struct my_table source;
    struct my_key key;
    struct my_map map;
    struct my_table ghost; /* loaded after it was made */
    char *fingerprint;     /* of the source's definition, for noticing DDL */

    char *lock_name;     /* of GET_LOCK() */
    struct ids sessions; /* server threads of those that are open */
    struct ids lost;     /* and of connections that broke: they may still be at work */
    /* Triggers are being made on the ghost, which is not the live table yet: whoever opens a session takes them off
     * first. Guarded by lock. */
    bool triggers_made;
    bool foreign_held; /* the foreign keys were put on under the cutover's lock */

    /* snapshots.c: when the new table was first in step (clock_us()), and which transactions were open then. */
    int64_t in_step_us, looked_us;
    char *old_snapshots;
    bool by_events; /* they are looked up in the performance schema */
    bool passed;    /* some were not waited for, because they hold the table */

    struct blockers *blockers;     /* of the cutover's try; NULL: none is under way */
    enum my_holders_by holders_by; /* blockers.c: learnt where blockers are to be ended */
    struct strlist asked;          /* connections that a KILL was sent for */
    bool told_of_prepared;

    char *ghost_name, *old_name; /* <name>_seachange_new_<id>, <name>_seachange_old_<id>, in the source's schema */
    char *ghost_schema;          /* NULL: the source's */
    bool reads_only;             /* pair.c: sessions write nothing, not even a temporary table */
    char *stage_name;            /* temporary table of the source's types, one a session */
    char *message_prefix;        /* seachange/<id> */
    char *source_identity;       /* server identity the position belongs to */

    struct my_todo *todo;
    int ntodo;
    struct arena arena;   /* key, map, todo */
    pthread_mutex_t lock; /* todo[].done, repairs */
    bool key_ready;
    uint64_t repairs;

    /* For cdc/source.h: the source's columns. */
    struct source_column *log_columns;
    bool *log_computed;
    struct source_untold *log_untold; /* what the log does not tell of its columns, however it describes them */
    size_t log_nuntold;
    bool log_describes;       /* audit_open(): binlog_row_metadata = FULL */
    struct source_table read; /* for source_config() */
    uint16_t *logged_key;     /* the key's columns as indexes into the log's rows */
    bool key_bytewise;
};

struct session {
    struct target *target;
    struct my_conn *conn;
    bool in_cutover;
    struct my_cutover *cutover;    /* cutover.c; NULL on other sessions */
    struct comparison *comparison; /* compare.c, likewise */
    struct my_apply *apply;        /* apply.c: statements made once; temporary stage table exists */
    uint64_t chunk_limit; /* copy.c: rows a piece of a chunk may have while rows are locked by others; 0: all */
};

/* catalog.c */
enum sc_result my_table_load(struct my_conn *conn, const char *schema, const char *name, struct my_table *out,
                             struct sc_error *err); /* SC_REFUSE: no such table */
void my_table_fini(struct my_table *table);
int my_table_column(const struct my_table *table, const char *name); /* index or -1; case-insensitive, as the server */
enum sc_result my_fingerprint(struct my_conn *conn, const char *schema, const char *name, char **out,
                              struct sc_error *err);

/* preflight.c: resolves spec.table, loads source and key, and fills plan->refusals. SC_REFUSE: no such table. */
enum sc_result my_preflight(struct target *t, struct plan *plan, struct sc_error *err);
/* As target_ops.audit_log_check(). */
enum sc_result my_audit_log_check(struct target *t, struct plan *plan, struct sc_error *err);

/* pair.c: target_ops.pair_open */
enum sc_result my_pair_open(struct target *t, const struct pair_spec *spec, struct pair *out, struct sc_error *err);

/* ghost.c: makes the ghost (CREATE TABLE ... LIKE, the ALTER), works out t->map, captures what comes later into t->todo
 * and takes it off. Refusals that only show now go to plan (may be NULL: then SC_REFUSE). DDL cannot be rolled back
 * here: plan makes it under a name of its own and drops it. */
enum sc_result my_ghost_make(struct target *t, struct plan *plan, struct sc_error *err);

/* state.c: tables _seachange_migration, _seachange_chunk, _seachange_todo, _seachange_part, _seachange_marker in the
 * source's schema; see there for their form and version. Tables are made by begin() where they are missing, and dropped
 * by finish() and abort() when no migration is left in them. */
enum sc_result my_state_store_ghost(struct target *t, struct sc_error *err);
enum sc_result my_state_load(struct target *t, struct sc_error *err);
enum sc_result my_todo_done(struct target *t, struct my_conn *conn, struct my_todo *todo, struct sc_error *err);
/* Writes the checkpoint in the open transaction of conn: compares the token (SC_FENCED: another instance took over). */
enum sc_result my_checkpoint_write(struct target *t, struct my_conn *conn, const struct position *applied,
                                   const struct position *partial, uint64_t partial_changes, struct sc_error *err);

/* Appends `schema`.`name` of the source, the ghost, the old table, or a state table. */
void my_add_source(struct buf *b, const struct target *t);
void my_add_ghost(struct buf *b, const struct target *t);
void my_add_old(struct buf *b, const struct target *t);
void my_add_state(struct buf *b, const struct target *t,
                  const char *table); /* "migration" -> `s`.`_seachange_migration` */

#endif
