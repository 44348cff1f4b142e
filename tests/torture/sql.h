/* Sessions of the harness with a server, the same for both families: a statement goes out, and the answer says what is
 * known of it. The libraries are used directly, so that nothing here is shared with the program under test. */
#ifndef TORTURE_SQL_H
#define TORTURE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer {
    SQL_OK,
    SQL_CONFLICT, /* deadlock, lock wait, serialization: the server has undone it, another try may succeed */
    SQL_REFUSED,  /* any other error: it was not done */
    SQL_LOST      /* the connection is gone: what was under way may have been done */
};

/* The rows of the last statement; values as text, NULL for SQL NULL. They live until the next statement. */
struct rows {
    int count, columns;
    const char *(*value)(const struct rows *rows, int row, int column);
    void *result;
};

struct session {
    const struct sql_ops *ops;
    void *connection;
    uint64_t affected;
    char error[240]; /* of the last statement that was not SQL_OK */
    char code[8];    /* SQLSTATE, or the error's number in MySQL and MariaDB */
    struct rows rows;
};

struct sql_ops {
    void *(*open)(const char *url, char *error, size_t size); /* NULL with a reason */
    enum answer (*run)(struct session *session, const char *text, size_t len);
    void (*close)(struct session *session);
};
extern const struct sql_ops sql_postgresql, sql_mysql;

/* False with session->error when the server cannot be reached. */
bool session_open(struct session *session, const struct sql_ops *ops, const char *url);
void session_close(struct session *session); /* closed before is fine */
enum answer session_run(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *session_value(const struct session *session, int row, int column);
int64_t session_number(const struct session *session, int row, int column); /* NULL is 0 */

#endif
