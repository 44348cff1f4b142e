#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_init(struct sc_error *err)
{
    if (err)
        memset(err, 0, sizeof(*err));
}

enum sc_result error_set(struct sc_error *err, enum sc_result result, const char *format, ...)
{
    if (!err)
        return result;
    va_list args;
    va_start(args, format);
    error_init(err);
    err->result = result;
    vsnprintf(err->what, sizeof(err->what), format, args);
    va_end(args);
    return result;
}

enum sc_result error_hint(struct sc_error *err, const char *format, ...)
{
    if (!err)
        return SC_FAIL;
    if (err->hint[0])
        return err->result;
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return err->result;
}

enum sc_result error_wrap(struct sc_error *err, const char *format, ...)
{
    if (!err)
        return SC_FAIL;
    char was[sizeof(err->what)];
    memcpy(was, err->what, sizeof(was));
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->what, sizeof(err->what), format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof(err->what))
        snprintf(err->what + n, sizeof(err->what) - (size_t)n, ": %s", was);
    return err->result;
}

const char *sc_result_name(enum sc_result result)
{
    switch (result) {
    case SC_OK:
        return "ok";
    case SC_RETRY:
        return "retry";
    case SC_REFUSE:
        return "refuse";
    case SC_FAIL:
        return "fail";
    case SC_UNKNOWN:
        return "unknown";
    case SC_STOP:
        return "stop";
    case SC_FENCED:
        return "fenced";
    }
    return "?";
}
