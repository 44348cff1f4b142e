/* What the files of a standing stream share. */
#ifndef SC_CDC_AUDIT_POSTGRES_STANDING_H
#define SC_CDC_AUDIT_POSTGRES_STANDING_H

#include "cdc/audit/standing.h"

/* SQL: the number of the lock that whoever runs the stream `name` holds; name is an expression. */
#define PG_STREAM_LOCK(name) "pg_catalog.hashtextextended('seachange audit ' || " name ", 0)"

/* standing_list.c: as standing_ops.list(). */
enum sc_result pg_standing_list(const char *url, struct arena *arena, struct standing_listed **out, size_t *count,
                                struct sc_error *err);

#endif
