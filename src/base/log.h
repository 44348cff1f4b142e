/* The log: one line an event on standard error, as text or as JSON. Thread-safe. Control characters in texts are
 * escaped, so that a table's name cannot forge a line. No row values, no passwords. */
#ifndef SC_BASE_LOG_H
#define SC_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct sc_error;

void log_setup(enum log_level lowest, bool json);
enum log_level log_lowest(void);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line with fields for machines: `fields` is the inside of a JSON object ("\"rows\":1,\"lag_ms\":2"), left out of
 * text lines. */
void log_fields(enum log_level level, const char *message, const char *fields);
void log_error(const struct sc_error *err); /* what, hint and SQLSTATE, once, at the top */

/* Called before and after a line is written, with the log's lock held, so that a progress bar can step aside. */
void log_set_frame(void (*before)(void), void (*after)(void));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)

#endif
