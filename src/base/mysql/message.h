/* What may be said of a server's or client library's message, and what it means. */
#ifndef SC_BASE_MYSQL_MESSAGE_H
#define SC_BASE_MYSQL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Of a failed statement: SC_RETRY or SC_FAIL. */
enum sc_result my_classify(unsigned error);
/* Of a failed connect: SC_RETRY where the server may be there later, SC_REFUSE where it answered with a refusal.
 * verifies: the server's certificate had to be right. */
enum sc_result my_classify_connect(unsigned error, const char *message, bool verifies);
/* Is the connection gone after this error? */
bool my_error_ends_connection(unsigned error);
/* Had the server no room left on its disk? */
bool my_error_is_no_room(unsigned error, const char *message);
/* A warning that says nothing of the rows (deprecated syntax and the like)? */
bool my_warning_is_harmless(unsigned code);

/* Puts * for the row values that messages of this error quote. */
void my_mask_values(char *message, unsigned error);
/* The key or column the message names, else "". */
void my_object_of(const char *message, unsigned error, char *out, size_t size);

#endif
