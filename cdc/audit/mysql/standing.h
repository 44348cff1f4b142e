/* Where standing streams are kept, for the two files that look there. */
#ifndef SC_CDC_AUDIT_MYSQL_STANDING_H
#define SC_CDC_AUDIT_MYSQL_STANDING_H

#include "cdc/audit/standing.h"

#define MY_STREAM "_seachange_stream"
#define MY_STREAM_TABLE "_seachange_stream_table"
/* The schemas that have such tables and that the account may see. */
#define MY_STREAM_HOMES                                                                                                \
    "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = '" MY_STREAM "' ORDER BY 1"

/* As standing_ops.look(). */
enum sc_result my_standing_look(const char *url, const char *stream, const char *schema, const char *table,
                                struct arena *arena, struct standing_place *out, bool *found, struct sc_error *err);

#endif
