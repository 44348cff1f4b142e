/* The definition of a table as SHOW CREATE TABLE prints it, and the members of ENUM and SET. Knows no server. */
#ifndef SC_APPLIER_MYSQL_DEFINITION_H
#define SC_APPLIER_MYSQL_DEFINITION_H

#include "applier/mysql/target.h"

/* Fills indexes, constraints and the columns' definitions from table->create. The columns are known by name already. */
void my_definition_read(struct my_table *table);

/* " AUTO_INCREMENT=12" in the last line, ") ENGINE=InnoDB AUTO_INCREMENT=12 DEFAULT CHARSET=...", before a comment
 * could say the same; NULL: there is none. */
const char *my_auto_increment_option(const char *create, size_t *len);

/* The members in column->type, "enum('a','b''c')", as the server writes them there. */
void my_members_read(struct arena *arena, struct my_column *column);

#endif
