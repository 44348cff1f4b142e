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

struct pgoutput {
    uint32_t table_id;          /* changes of all other tables are passed over */
    const char *message_prefix; /* markers with all other prefixes are passed over; not owned */
    /* The table's last description in this session: the server sends one before the first row and whenever it changed.
     */
    bool described;
    uint16_t ncolumns;
    bool key[MAX_COLUMNS]; /* part of the row's identity in the log */
};

struct pgoutput_message {
    bool ours;          /* false: nothing for us (other table, type, origin, other prefix); `change` is not set */
    bool transactional; /* MARKER: belongs to the transaction around it */
    struct change change;
};

/* Forgets the table's description: for a new session. */
void pgoutput_reset(struct pgoutput *p);

/* Decodes one message. Arrays and the marker come from the arena, names and values point into `data`; values have no
 * NUL behind them. In an old image that holds only the key, all other columns are VALUE_ABSENT (correctness B4). */
enum sc_result pgoutput_decode(struct pgoutput *p, struct arena *arena, const void *data, size_t len,
                               struct pgoutput_message *out, struct sc_error *err);

#endif
