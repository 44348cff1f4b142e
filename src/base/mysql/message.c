#include "base/mysql/message.h"

#include <stdio.h>
#include <string.h>

/* Numbers: MySQL manual, "Error Message Reference"; MariaDB, "MariaDB Error Code Reference"; client: errmsg.h. */

static bool is_one_of(unsigned error, const unsigned *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == error)
            return true;
    return false;
}
#define IS_ONE_OF(error, list) is_one_of(error, list, sizeof(list) / sizeof((list)[0]))

bool my_error_ends_connection(unsigned error)
{
    static const unsigned gone[] = {
        2026,                         /* TLS ended in the middle */
        2006, 2013, 2055,             /* server has gone away, lost connection */
        2027,                         /* malformed packet: nothing that follows can be told apart */
        1927, 4031,                   /* MariaDB: connection was killed; MySQL: idle for too long */
        1053, 1079, 3169,             /* the server shuts down; the session was killed */
        1152, 1158, 1159, 1160, 1161, /* reading or writing packets failed */
    };
    return IS_ONE_OF(error, gone);
}

enum sc_result my_classify(unsigned error)
{
    static const unsigned transient[] = {
        1205, 1213, 1614,       /* lock wait time-out, deadlock */
        3572, 3058,             /* NOWAIT, deadlock of user-level locks */
        1040, 1203, 1226, 1637, /* too many connections, transactions */
        1317, 3024, 1969,       /* interrupted, time limit of a statement */
        1020, 1412, 1615,       /* the row or the table changed: try again */
        2002, 2003, 2005, 2012, /* cannot connect */
        3168,                   /* the server is not available */
    };
    return my_error_ends_connection(error) || IS_ONE_OF(error, transient) ? SC_RETRY : SC_FAIL;
}

bool my_error_is_no_room(unsigned error, const char *message)
{
    static const unsigned full[] = {
        1021, 20,   /* the disk is full */
        1114, 3675, /* no more room in the table; for a new one */
    };
    /* A file could not be made or written; why stands in the text: ENOSPC, EDQUOT, HA_ERR_RECORD_FILE_FULL. */
    static const unsigned of_files[] = {1, 3, 1004, 1005, 1025, 1026, 1030};
    static const char *const causes[] = {"errno: 28 ",    "Errcode: 28 ", "error 28 ",   "errno: 122 ",
                                         "Errcode: 122 ", "error 122 ",   "errno: 135 ", "error 135 "};
    bool is = IS_ONE_OF(error, full);
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]) && !is && IS_ONE_OF(error, of_files); i++)
        is = strstr(message, causes[i]) != NULL;
    return is;
}

/* TLS: a certificate that is not right stays so; a handshake that was cut may work next time. Where nobody verifies it,
 * the library tells what it would have found as the reason for which a handshake was cut (Connector/C). */
static bool tls_is_refused(const char *message, bool verifies)
{
    static const char *const of_certificates[] = {"cert",     "self-signed", "self signed",
                                                  "hostname", "fingerprint", "unable to get"};
    static const char *const others[] = {"required", "not support", "No such file", "SSL_CTX"};
    bool said = verifies || strcasestr(message, "alert"); /* the server's word, on a certificate of ours */
    for (size_t i = 0; said && i < sizeof(of_certificates) / sizeof(of_certificates[0]); i++)
        if (strcasestr(message, of_certificates[i]))
            return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcasestr(message, others[i]))
            return true;
    return false;
}

enum sc_result my_classify_connect(unsigned error, const char *message, bool verifies)
{
    static const unsigned refusals[] = {
        2000, 2001, 2007, 2016, 2019, 2021, /* what we asked for is wrong */
        2049, 2054, 2058, 2059, 2060, 2061, /* the library cannot log in the way the server wants */
    };
    if (error == 2026)
        return tls_is_refused(message, verifies) ? SC_REFUSE : SC_RETRY;
    if (my_classify(error) == SC_RETRY)
        return SC_RETRY;
    if (error >= 2000 && error < 3000)
        return IS_ONE_OF(error, refusals) ? SC_REFUSE : SC_RETRY;
    return error ? SC_REFUSE : SC_RETRY;
}

bool my_warning_is_harmless(unsigned code)
{
    static const unsigned harmless[] = {
        1287, 1681, 1618, /* deprecated syntax, an option that is ignored */
        3719, 3778, 3779, /* deprecated names of character sets and collations */
        1592,             /* unsafe in statement format; rows are logged */
        3090,             /* changing a sql_mode is deprecated */
    };
    return IS_ONE_OF(code, harmless);
}

/* From behind the first `open` to the last `close` (or, without one, to the end): a value may hold quotation marks. */
static bool mask_between(char *text, const char *open, const char *close)
{
    char *from = strstr(text, open);
    if (!from)
        return false;
    from += strlen(open);
    const char *to = NULL;
    for (const char *p = from; *close && (p = strstr(p, close)); p++)
        to = p;
    if (to == from)
        return true;
    *from++ = '*';
    if (to && to >= from)
        memmove(from, to, strlen(to) + 1);
    else if (!to)
        *from = 0;
    return true;
}

void my_mask_values(char *message, unsigned error)
{
    static const struct {
        unsigned error;
        const char *open, *close;
    } forms[] = {
        {1062, "entry '", "' for key"},
        {1586, "entry '", "' for key"},
        {1761, "record '", "' to"},
        {1762, "record '", "' to"},
        {1366, "value: '", "' for column"},
        {1292, "value: '", "' for column"},
        {1411, "value: '", "' for function"},
        {1300, "string: '", "'"},
        {1064, "near '", "' at line"},
        {1526, "for value ", ""},
        {1690, "out of range in '", "'"},
        {1367, "'", "' value"},
        {3854, "string '", "'"},
        {1105, "'", "'"},
        {3140, "text: \"", "\" at position"},
    };
    bool masked = false, known = false;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (forms[i].error == error) {
            known = true;
            masked |= mask_between(message, forms[i].open, forms[i].close);
        }
    if (!known || masked)
        return;
    /* The form is not the one we know: everything quoted goes. */
    mask_between(message, "'", "'");
}

void my_object_of(const char *message, unsigned error, char *out, size_t size)
{
    out[0] = 0;
    const char *name = NULL, *p;
    const char *open = error == 1062 || error == 1586 || error == 1859 /* duplicate key */ ? "for key '" : "column '";
    for (p = message; (p = strstr(p, open)); p++)
        name = p + strlen(open);
    if (!name)
        return;
    const char *end = strrchr(name, '\'');
    if (!end || error != 1062)
        end = strchr(name, '\'');
    if (!end)
        return;
    /* MySQL says table.key, MariaDB key. */
    const char *dot = memchr(name, '.', (size_t)(end - name));
    if (dot && error != 1366 && error != 1292)
        name = dot + 1;
    snprintf(out, size, "%.*s", (int)(end - name), name);
}
