/* Pieces of SQL that follow from how the ghost is mapped from the source; shared by the copy and the apply. */
#ifndef SC_APPLIER_POSTGRES_MAPPING_H
#define SC_APPLIER_POSTGRES_MAPPING_H

#include "applier/postgres/target.h"

/* "c1", "c2": the ghost's mapped columns. */
void pg_add_ghost_columns(struct buf *b, const struct target *t);
/* The expressions that fill them, over a FROM item that has the source's columns and its name. */
void pg_add_expressions(struct buf *b, const struct target *t);
/* INSERT INTO ghost (columns) OVERRIDING SYSTEM VALUE SELECT expressions FROM: such a FROM item follows. */
void pg_add_insert(struct buf *b, const struct target *t);
/* "k1", "k2": the source's key columns; with a prefix such as `g.` before each when not NULL. */
void pg_add_key(struct buf *b, const struct target *t, const char *prefix);
/* The ghost's value of key column k: its expression, cast to the ghost's type the way an assignment would have it. */
void pg_add_key_expression(struct buf *b, const struct target *t, int k);
/* "k1" of the ghost's key columns in ON CONFLICT (...). */
void pg_add_ghost_key(struct buf *b, const struct target *t);

/* " ON CONFLICT (key) DO UPDATE SET all other columns": the row with this key becomes this row; no other row is
 * touched. */
void pg_add_upsert(struct buf *b, const struct target *t);

/* Learns the types of the ghost's key columns, for pg_add_key_expression(). */
enum sc_result pg_ghost_key_types(struct target *t, struct pg_conn *conn, struct sc_error *err);

#endif
