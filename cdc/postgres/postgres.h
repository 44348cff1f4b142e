/* PostgreSQL as a source of changes: logical decoding through pgoutput (manual, chapters "Logical Decoding" and
 * "Logical Replication"). See stream.c for the reader, slot.h for the slot and the publication it reads from. */
#ifndef SC_CDC_POSTGRES_POSTGRES_H
#define SC_CDC_POSTGRES_POSTGRES_H

#include "cdc/source.h"

extern const struct source_ops postgres_source;

#endif
