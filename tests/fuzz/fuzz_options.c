/* What the operator writes: command line and environment (words that end with 0xff; behind an empty one the
 * environment), the file of --config, single values. A password in a URL is in no message, wherever the URL stands. */
#include <ctype.h>
#include <inttypes.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/values.h"
#include "fuzz/fuzz.h"
#include "fuzz/options.h"

/* A word that holds this has a password in it. */
#define SECRET "Tr0ub4dor"
#define SECRET_URL "mysql://u:" SECRET "@h"

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        count++;
    return count;
}

static void check_message(const char *input, const struct sc_error *err)
{
    HOLDS(err->what[0]);
    if (occurrences(input, SECRET) != occurrences(input, SECRET_URL)) /* where it is nobody's password */
        return;
    HOLDS(!strstr(err->what, SECRET) && !strstr(err->hint, SECRET));
}

/* Every number is one that may be, every text is one. */
static void check_values(const struct options *o)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_def *def = &option_table[i];
        const char *member = (const char *)o + def->offset;
        int64_t n = def->type == OPTION_TEXT || def->type == OPTION_BOOL ? 0 : *(const int64_t *)member;
        if (def->type == OPTION_TEXT) {
            const char *text = *(const char *const *)member;
            HOLDS(!text || text[0]);
        } else if (def->type == OPTION_CHOICE) {
            for (int64_t k = 0; k <= n; k++)
                HOLDS(def->words[k]);
        } else if (def->type != OPTION_BOOL && o->origin[i] != ORIGIN_DEFAULT) {
            HOLDS((n >= def->min && n <= def->max) || (n == 0 && def->zero));
        }
    }
}

/* Written out as a file, the options are the same when they are read. */
static void check_written(const struct options *o)
{
    struct buf text = {0};
    struct options back = {.command = o->command};
    struct sc_error err;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_def *def = &option_table[i];
        const char *member = (const char *)o + def->offset;
        const char *string = def->type == OPTION_TEXT ? *(const char *const *)member : NULL;
        /* A value is the rest of its line, without blanks around it. */
        if (o->origin[i] == ORIGIN_DEFAULT || strcmp(def->name, "config") == 0 ||
            (def->type == OPTION_TEXT && (!string || strpbrk(string, "\n\r\t ")))) {
            continue;
        }
        buf_printf(&text, "%s = ", def->name);
        if (def->type == OPTION_TEXT)
            buf_str(&text, string);
        else if (def->type == OPTION_BOOL)
            buf_str(&text, *(const bool *)member ? "on" : "no");
        else if (def->type == OPTION_CHOICE)
            buf_str(&text, def->words[*(const int64_t *)member]);
        else if (def->type == OPTION_SIZE)
            value_size_text(&text, *(const int64_t *)member);
        else if (def->type == OPTION_DURATION)
            value_duration_text(&text, *(const int64_t *)member);
        else
            buf_printf(&text, "%" PRId64, *(const int64_t *)member);
        buf_char(&text, '\n');
    }
    buf_str(&text, "#");
    HOLDS(options_read_text(&back, "file", text.data, &err) == SC_OK);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_def *def = &option_table[i];
        const char *a = (const char *)o + def->offset, *b = (const char *)&back + def->offset;
        if (back.origin[i] == ORIGIN_DEFAULT)
            continue;
        if (def->type == OPTION_TEXT)
            HOLDS(strcmp(*(const char *const *)a, *(const char *const *)b) == 0);
        else
            HOLDS(memcmp(a, b, def->type == OPTION_BOOL ? sizeof(bool) : sizeof(int64_t)) == 0);
    }
    options_fini(&back);
    buf_fini(&text);
}

static void command_line(const uint8_t *data, size_t size)
{
    enum { MOST = 64 };
    char *words[MOST + 1] = {"seachange"}, *environment[MOST + 1] = {0};
    char *text = fuzz_text(data, size);
    int argc = 1, variables = 0;
    bool behind = false;
    for (char *p = text; *p && argc < MOST && variables < MOST;) {
        size_t len = strcspn(p, "\xff");
        bool last = !p[len];
        p[len] = 0;
        if (!len)
            behind = true;
        else if (behind)
            environment[variables++] = p;
        else
            words[argc++] = p;
        /* Would read a file of this machine. */
        if (strstr(p, "config") || strstr(p, "CONFIG") ||
            (strncmp(p, "-c", 2) == 0 && strchr(p, '/') && !strstr(p, SECRET_URL))) {
            free(text);
            return;
        }
        p += last ? len : len + 1;
    }
    char *all = fuzz_text(data, size);
    struct options o;
    struct sc_error err;
    enum sc_result result = options_parse(&o, argc, words, environment, &err);
    HOLDS(result == SC_OK || result == SC_REFUSE);
    if (result != SC_OK) {
        check_message(all, &err);
    } else {
        HOLDS(o.command || o.help || o.version);
        check_values(&o);
        if (!o.help && !o.version && o.command)
            check_written(&o);
    }
    options_fini(&o);
    free(all);
    free(text);
}

static void file(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *all = fuzz_text(data, size);
    struct options o = {.command = COMMAND_MIGRATE};
    struct sc_error err;
    error_init(&err);
    enum sc_result result = options_read_text(&o, "/etc/seachange.conf", text, &err);
    HOLDS(result == SC_OK || result == SC_REFUSE);
    if (result != SC_OK) {
        check_message(all, &err);
    } else {
        check_values(&o);
        check_written(&o);
    }
    options_fini(&o);
    free(text);
    free(all);
}

static void value(const char *text)
{
    struct buf b = {0};
    struct sc_error err;
    int64_t n = 0, again = 0;
    bool flag;
    if (value_int(text, &n, &err) == SC_OK) {
        buf_printf(&b, "%" PRId64, n);
        HOLDS(value_int(buf_cstr(&b), &again, &err) == SC_OK && again == n);
    }
    buf_clear(&b);
    if (value_size(text, &n, &err) == SC_OK) {
        HOLDS(n >= 0);
        value_size_text(&b, n);
        HOLDS(value_size(buf_cstr(&b), &again, &err) == SC_OK && again == n);
    }
    buf_clear(&b);
    if (value_duration(text, &n, &err) == SC_OK) {
        HOLDS(n >= 0);
        value_duration_text(&b, n);
        HOLDS(value_duration(buf_cstr(&b), &again, &err) == SC_OK && again == n);
    }
    value_bool(text, &flag, &err);
    command_find(text);
    command_nearest(text);
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = fuzz_text(data + 1, size - 1);
    switch (data[0]) {
    case FUZZ_COMMAND_LINE:
        command_line(data + 1, size - 1);
        break;
    case FUZZ_FILE:
        file(data + 1, size - 1);
        break;
    case FUZZ_VALUE:
        value(text);
        break;
    default:
        break;
    }
    free(text);
    return 0;
}
