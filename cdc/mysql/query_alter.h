/* Statements that change a table's columns and indexes, and nothing else: for cdc/mysql/query.c. */
#ifndef SC_CDC_MYSQL_QUERY_ALTER_H
#define SC_CDC_MYSQL_QUERY_ALTER_H

#include "cdc/mysql/query.h"
#include "cdc/mysql/query_token.h"

/* Fills out->alters and what is said with it; MY_ALTERS_ANYTHING wherever a word is met that may mean more. The
 * statement names one table. */
void my_statement_alters(struct arena *arena, const struct my_tokens *tokens, struct my_statement *out);

#endif
