/* Connection URLs and libpq strings. What is shown of one holds none of the passwords that the engine's own parser
 * finds in it, and is otherwise the same. */
#include <libpq-fe.h>

#include "base/mysql/url.h"
#include "base/url.h"
#include "engines.h"
#include "fuzz/fuzz.h"

/* What stands behind it may be something else that is shown. */
static bool hidden(const char *password)
{
    return !password || strncmp(password, "***", 3) == 0;
}

static void check_mysql(const char *text, const char *shown)
{
    struct my_url url, again;
    struct sc_error err;
    enum sc_result result = my_url_parse(text, &url, &err);
    HOLDS(result == SC_OK || (result == SC_REFUSE && err.what[0]));
    if (result == SC_OK) {
        HOLDS(!url.password || url_has_password(text));
        HOLDS(url.port <= 65535 && url.connect_timeout_s <= 3600);
        const char *scheme = strstr(text, "://");
        if (my_url_parse(shown, &again, &err) == SC_OK) {
            HOLDS(hidden(again.password));
            /* Of several URLs in one, a password can hide more than itself. */
            HOLDS(strstr(scheme + 3, "://") || (url.port == again.port && fuzz_same_text(url.host, again.host)));
        }
        my_url_fini(&again);
    }
    my_url_fini(&url);
}

static const PQconninfoOption *option(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options;
    return NULL;
}

static void check_postgres(const char *text, const char *shown)
{
    static const char *const secrets[] = {"password", "sslpassword", NULL};
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &message), *again = NULL;
    PQfreemem(message);
    if (!options)
        return;
    again = PQconninfoParse(shown, NULL);
    for (int i = 0; secrets[i]; i++) {
        const char *password = option(options, secrets[i])->val;
        HOLDS(!password || !password[0] || url_has_password(text));
        /* What stood in quotes ends elsewhere without them. */
        HOLDS(!again || !password || !password[0] || strchr(text, '\'') || hidden(option(again, secrets[i])->val));
    }
    PQconninfoFree(options);
    PQconninfoFree(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *shown = url_redacted(text);
    HOLDS(url_has_password(text) || strcmp(shown, text) == 0);
    HOLDS(url_scheme_len(text) <= strlen(text));
    engine_of_url(text);
    check_mysql(text, shown);
    check_postgres(text, shown);
    mem_free(shown);
    free(text);
    return 0;
}
