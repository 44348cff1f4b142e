/* What is known of one migration on PostgreSQL. Shared by the files of this folder, by no one else. */
#ifndef SC_APPLIER_POSTGRES_TARGET_H
#define SC_APPLIER_POSTGRES_TARGET_H

#include <pthread.h>

#include "applier/target.h"
#include "base/ids.h"
#include "base/postgres/conn.h"

/* INDEX_MAX_KEYS: the most columns an index can have (manual, limits). */
#define MAX_KEY_COLUMNS 32

/* A column as the catalog has it (manual, pg_attribute). Strings live in the table's arena. */
struct pg_column {
    int attnum;
    const char *name;
    const char *type; /* format_type(atttypid, atttypmod), schema-qualified unless pg_catalog */
    Oid type_oid;
    int type_modifier;
    bool not_null;
    bool bytewise;          /* equal for the server means equal text (for key columns) */
    char identity;          /* 'a', 'd' or 0 */
    char generated;         /* 's', 'v' or 0 */
    const char *expression; /* of a generated column, as SQL over the other columns; else NULL */
};

struct pg_table {
    struct arena arena;
    Oid oid;
    Oid row_type; /* pg_class.reltype */
    const char *schema, *name;
    const char *owner;
    char replica_identity; /* relreplident */
    int ncolumns;          /* without dropped ones */
    struct pg_column *columns;
    uint64_t rows_estimated, heap_bytes, index_bytes;
};

/* The key by which rows are copied and found: a unique, not-null, immediate, complete, valid index that is the table's
 * identity in the log. */
struct pg_key {
    Oid index; /* on the source */
    const char *index_name;
    int count;
    int *columns; /* indexes into source.columns, in index order */
};

/* One column of the ghost that is filled from the source (generated and added columns are not here). */
struct pg_mapped {
    const char *ghost_column;
    const char *expression; /* SQL over the source's columns, unqualified and quoted; a plain column in most cases */
    int source_column; /* >= 0: the expression is just this column of the source (maybe cast by assignment); -1: more */
    int ninputs;
    int *inputs; /* indexes into source.columns that the expression reads */
};

/* How the ghost follows from the source. */
struct pg_map {
    int ncolumns;
    struct pg_mapped *columns;
    int nkey;
    int *key; /* indexes into `columns` above: where the source's key columns live in the ghost, in pg_key order */
};

/* When a captured definition is put back on the ghost. */
enum pg_stage {
    STAGE_KEY,         /* the index by which the applier finds rows; built when first needed */
    STAGE_INDEX,       /* other indexes, side by side, after the fence */
    STAGE_AFTER,       /* what needs those indexes or must not slow the copy: constraints using them, index options,
                          statistics, ANALYZE */
    STAGE_SWAP_BEFORE, /* in the cutover's transaction, before the source makes way: what is taken from it */
    STAGE_SWAP,   /* in the cutover's transaction, after the ghost has its place: foreign keys, not-valid constraints,
                     trigger states, identity, row security, publications, views ... */
    STAGE_POST,   /* after the swap: VALIDATE, what has to wait for others' locks ... */
    STAGE_DETACH, /* before the cutover's lock, in a transaction of its own: what could not be locked under it */
    STAGE_UNDO,   /* when it is aborted: takes back the STAGE_DETACH of the same name */
};

/* A statement that is still to be run, stored in seachange.todo with the migration. Names in it resolve with
 * search_path = ghost schema, source schema before the swap, and = source schema from the swap on. */
struct pg_todo {
    int number;
    enum pg_stage stage;
    const char *name; /* for people: "index orders_created_at_idx" */
    const char *sql;
    bool done;
};

struct target {
    struct migration_spec spec; /* strings owned */
    struct pg_server server;
    struct pg_conn *control; /* the coordinator's own connection; holds the advisory lock from begin() on */
    struct migration migration;
    uint64_t token; /* fencing token of this instance; every checkpoint compares it */

    struct pg_table source; /* loaded by preflight; re-read on resume and compared with the fingerprint */
    struct pg_key key;
    struct pg_map map;
    char *fingerprint;          /* of the source's catalog entries, for noticing DDL */
    char *relation_fingerprint; /* names and types of the columns the log sends */

    Oid ghost_oid;
    char *ghost_schema;       /* seachange_new_<id> */
    const char *ghost_name;   /* NULL: as the source's */
    bool key_apart;           /* pair.c: a stretch of one table's key is none of the other's */
    bool reads_only;          /* pair.c: two tables are compared, and nothing is written */
    char *old_schema;         /* seachange_old_<id> */
    char *slot, *publication; /* seachange_<id> */
    char *message_prefix;     /* seachange/<id> */

    struct pg_todo *todo;
    int ntodo;
    struct arena arena;   /* key, map, todo */
    pthread_mutex_t lock; /* todo[].done, key_ready */
    struct ids sessions;  /* server processes of those that are open */
    struct ids lost;      /* and of connections that broke: they may still be at work */
    bool key_ready;
    uint64_t repairs; /* guarded by lock, too */
    pthread_mutex_t ahead_lock;
    struct ahead *ahead; /* rows that were read from the source; whoever applies has it. NULL: none yet */

    /* The columns in the order the log sends them (indexes into source.columns); learnt from the catalog, checked by
     * relation_check(). */
    int nlogged;
    int *logged;
    uint16_t *logged_key; /* the key's columns as indexes into logged[] */
    bool key_bytewise;
    struct source_table read; /* for source_config() */
    bool steps_known;         /* parts.c */
    int steps;
    const char **ghost_key_types;      /* for comparing with the ghost's key columns, in key order */
    const char **ghost_key_collations; /* " COLLATE ..." or "", likewise */

    struct blockers *blockers;      /* of the cutover's try; NULL: none is under way */
    struct strlist asked;           /* blockers.c: sessions that were asked to stop */
    struct strlist passed;          /* snapshots.c: sessions that were not waited for */
    char *in_step_at, *in_step_xid; /* when the cutover was first worth trying: time, transaction id (in the arena) */
};

struct session {
    struct target *target;
    struct pg_conn *conn;
    bool staging; /* the temporary staging table exists */
    bool in_cutover;
    int64_t lock_began_us;         /* of the open cutover: when it first asked for a lock */
    int deadlock_timeout_ms;       /* the server's */
    struct apply_plan *apply;      /* apply.c: statements made once */
    struct comparison *comparison; /* compare.c, likewise */
};

/* catalog.c: reads table `oid` as it is. Arena and strings are out's: pg_table_fini(). */
enum sc_result pg_table_load(struct pg_conn *conn, Oid oid, struct pg_table *out, struct sc_error *err);
void pg_table_fini(struct pg_table *table);
int pg_table_column(const struct pg_table *table, const char *name); /* index or -1 */

/* catalog.c: fills t->key from the index and works out which columns the log sends. t->source must be loaded. */
enum sc_result pg_key_load(struct target *t, Oid index, struct sc_error *err);
void pg_logged_columns(struct target *t);

/* catalog.c: one text that changes when anything about the table changes that matters for the migration (columns,
 * types, constraints, indexes, triggers, policies, rules, options, identity, relkind ...); not relfilenode, not
 * statistics. malloc'd. */
enum sc_result pg_fingerprint(struct pg_conn *conn, Oid oid, char **out, struct sc_error *err);

/* state.c: the OID that the operator's own session would find under spec.table. SC_REFUSE: none. */
enum sc_result pg_resolve_table(struct target *t, Oid *oid, struct sc_error *err);
/* The same of the name that an option was given. */
enum sc_result pg_resolve_name(struct target *t, const char *option, const char *name, Oid *oid, struct sc_error *err);

/* preflight.c: resolves spec.table, loads source and key, and fills plan->refusals. SC_REFUSE: no such table. */
enum sc_result pg_preflight(struct target *t, struct plan *plan, struct sc_error *err);
/* As target_ops.audit_log_check(). */
enum sc_result pg_audit_log_check(struct target *t, struct plan *plan, struct sc_error *err);

/* preflight.c: rows (indexrelid, ..., usable, width, attnums) of the table's indexes, the best key first. "usable": as
 * a key; "attnums": its columns as the catalog writes them, of which the first "width" are the key's. */
enum sc_result pg_keys_load(struct pg_conn *conn, Oid table, PGresult **res, struct sc_error *err);

/* pair.c: SC_REFUSE: what is no ordinary table, or may not be read, or not whole; `shown` names it for people. */
enum sc_result pg_readable(struct target *t, Oid table, const char *shown, struct sc_error *err);

/* pair.c: target_ops.pair_open */
enum sc_result pg_pair_open(struct target *t, const struct pair_spec *spec, struct pair *out, struct sc_error *err);

/* ghost.c: in the open transaction of t->control: makes the ghost with everything that belongs to the table, applies
 * the ALTER to it, works out t->map, captures what comes later into t->todo and takes it off. Refusals that only show
 * now go to plan (may be NULL: then SC_REFUSE). The caller commits, or rolls back (plan). */
enum sc_result pg_ghost_make(struct target *t, struct plan *plan, struct sc_error *err);

/* state.c: schema seachange and its tables; see there for their form and version. */
enum sc_result pg_state_store_ghost(struct target *t, struct sc_error *err); /* map, todo, oids, fingerprints */
enum sc_result pg_todo_done(struct target *t, struct pg_conn *conn, struct pg_todo *todo, struct sc_error *err);
enum sc_result pg_state_load(struct target *t, struct sc_error *err); /* all of the above, on resume */

/* Appends "schema"."name" of the source or the ghost. */
void pg_add_source(struct buf *b, const struct target *t);
void pg_add_ghost(struct buf *b, const struct target *t);

#endif
