/* Our place in PostgreSQL's log (a replication slot) and what is sent from it (a publication): made and removed.
 *
 * The publication must be there before the slot: pgoutput looks it up in the catalog as it was at the change it decodes
 * (manual, 31.1). */
#ifndef SC_CDC_POSTGRES_SLOT_H
#define SC_CDC_POSTGRES_SLOT_H

#include <stdint.h>

#include "base/postgres/conn.h"

/* CREATE PUBLICATION for one table, all operations. */
enum sc_result pg_publication_create(struct pg_conn *ddl, const char *name, const char *schema, const char *table,
                                     struct sc_error *err);
enum sc_result pg_publication_drop(struct pg_conn *ddl, const char *name,
                                   struct sc_error *err); /* SC_OK also when there is none */

/* Makes the slot on a replication connection of its own. The server makes it only once every transaction that was open
 * has ended: `progress` (may be NULL) is told about once a second which ones it waits for. After wait_ms it is given
 * up: SC_REFUSE, names them, and nothing is left. `sql` is a connection to ask with. *consistent_point: everything that
 * commits behind it will be sent. */
enum sc_result pg_slot_create(const struct pg_server *server, struct pg_conn *sql, const char *name, int64_t wait_ms,
                              void (*progress)(void *arg, const char *text), void *arg, uint64_t *consistent_point,
                              struct sc_error *err);

/* Drops it; SC_OK also when there is none. A session of ours (application_name begins with the prefix) that still uses
 * it is terminated first. */
enum sc_result pg_slot_drop(struct pg_conn *sql, const char *name, const char *application_prefix,
                            struct sc_error *err);

#endif
