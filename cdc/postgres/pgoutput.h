/* PostgreSQL's row changes as they come over the wire (manual, "Logical Replication Message Formats"), protocol
 * version 1.
 *
 * Bytes in, changes out: no socket, no thread, no clock. Everything is checked against the message's end; a message
 * that is not exactly as the manual has it is SC_FAIL, because a change that is guessed is a change that is lost. */
#ifndef SC_CDC_POSTGRES_PGOUTPUT_H
#define SC_CDC_POSTGRES_PGOUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "cdc/change.h"

/* A table and its last description in this session: the server sends one before the first row and whenever it changed.
 */
struct pgoutput_table {
    uint32_t id;
    bool described;
    uint16_t ncolumns;
    bool *key; /* of each column: part of the row's identity in the log; owned */
};

struct pgoutput {
    struct pgoutput_table *tables; /* by id; changes of all other tables are passed over */
    size_t ntables;
    const char *message_prefix; /* markers with all other prefixes are passed over; not owned */
};

struct pgoutput_message {
    bool ours;          /* false: nothing for us (other table, type, origin, other prefix); `change` is not set */
    bool transactional; /* MARKER: belongs to the transaction around it */
    size_t table;       /* RELATION, rows: of pgoutput.tables */
    /* TRUNCATE: each of our tables that it empties, once (arena) */
    size_t *truncated;
    size_t ntruncated;
    struct change change;
};

/* `ids`: no two the same. message_prefix must outlive it. */
void pgoutput_init(struct pgoutput *p, const uint32_t *ids, size_t count, const char *message_prefix);
void pgoutput_fini(struct pgoutput *p);

/* Forgets the tables' descriptions: for a new session. */
void pgoutput_reset(struct pgoutput *p);

/* Decodes one message. Arrays and the marker come from the arena, names and values point into `data`; values have no
 * NUL behind them. In an old image that holds only the key, all other columns are VALUE_ABSENT (correctness B4). */
enum sc_result pgoutput_decode(struct pgoutput *p, struct arena *arena, const void *data, size_t len,
                               struct pgoutput_message *out, struct sc_error *err);

#endif
