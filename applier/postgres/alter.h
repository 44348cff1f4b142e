/* The operator's ALTER, read by PostgreSQL's own parser (libpg_query).
 *
 * The server decides what the ALTER does; it is run on a clone. What the parser is needed for is what cannot be seen
 * there afterwards: the expressions behind USING, and that this is one ALTER TABLE and nothing else. */
#ifndef SC_APPLIER_POSTGRES_ALTER_H
#define SC_APPLIER_POSTGRES_ALTER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"

struct alter_using {
    const char *column;     /* name before the ALTER */
    const char *expression; /* the operator's text */
};

struct alter {
    bool parsed;    /* false: syntax newer than the parser; only what the server shows is known */
    bool has_using; /* some token of the text is USING */
    int count;      /* commands; 0 when not parsed */
    struct alter_using *using;
    int nusing;
    struct arena arena;
};

/* Reads what stands behind ALTER TABLE name. SC_REFUSE: not one ALTER TABLE (empty, several statements, RENAME TO, SET
 * SCHEMA, ...). A syntax error is not refused here: newer servers know more than this parser; the server's own word
 * counts. Pure. */
enum sc_result alter_parse(const char *text, struct alter *out, struct sc_error *err);
void alter_fini(struct alter *alter);

#endif
