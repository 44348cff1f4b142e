/* Names of what belongs to a migration, and of its table. */
#ifndef SC_APPLIER_MYSQL_NAMES_H
#define SC_APPLIER_MYSQL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Behind them stands the migration's id, 8 hexadecimal digits. */
#define MY_NEW_SUFFIX "_seachange_new_"
#define MY_OLD_SUFFIX "_seachange_old_"

size_t my_name_characters(const char *name); /* of UTF-8 */

/* name + suffix, cut to what a name may have; malloc'd. */
char *my_name_with(const char *name, const char *suffix);
/* The same for a table, whose name is to leave room for what the server puts behind it for its constraints. */
char *my_table_name_with(const char *name, const char *suffix);

/* For user-level locks, whose names are short: "seachange <kind> <hash>"; malloc'd. */
char *my_lock_name(const char *kind, const char *schema, const char *table);

uint64_t my_hash(const char *text, uint64_t seed); /* FNV-1a */

/* "schema.name" for people, quoted where it has to be; malloc'd. */
char *my_shown_name(const char *schema, const char *name);

char *my_literal(const char *text); /* quoted for a statement, NULL without quotes for NULL; malloc'd */

/* "name" or "schema.name", quoted as in SQL. Both are malloc'd; *schema NULL: none was given. False: not a name. */
bool my_parse_table(const char *text, bool ansi_quotes, char **schema, char **name);

#endif
