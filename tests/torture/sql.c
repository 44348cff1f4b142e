#include "torture/sql.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool session_open(struct session *session, const struct sql_ops *ops, const char *url)
{
    *session = (struct session){.ops = ops};
    session->connection = ops->open(url, session->error, sizeof(session->error));
    return session->connection != NULL;
}

void session_close(struct session *session)
{
    if (session->connection)
        session->ops->close(session);
    session->connection = NULL;
}

enum answer session_run(struct session *session, const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    enum answer answer = session->connection ? session->ops->run(session, buf_cstr(&text), text.len) : SQL_LOST;
    buf_fini(&text);
    return answer;
}

const char *session_value(const struct session *session, int row, int column)
{
    return session->rows.value(&session->rows, row, column);
}

int64_t session_number(const struct session *session, int row, int column)
{
    const char *text = session_value(session, row, column);
    return text ? strtoll(text, NULL, 10) : 0;
}
