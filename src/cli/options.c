#include "cli/options.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/url.h"
#include "cli/command.h"
#include "cli/values.h"

int option_find(const char *name, size_t len)
{
    for (size_t i = 0; i < option_count; i++)
        if (strlen(option_table[i].name) == len && memcmp(option_table[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

void option_environment_name(const struct option_def *def, char out[static 64])
{
    snprintf(out, 64, "SEACHANGE_%s", def->name);
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

/* --- storing one value
 * --------------------------------------------------------------------------------------------------- */

static void limit_text(struct buf *b, const struct option_def *def, int64_t n)
{
    if (def->type == OPTION_SIZE)
        value_size_text(b, n);
    else if (def->type == OPTION_DURATION)
        value_duration_text(b, n);
    else
        buf_printf(b, "%" PRId64, n);
}

void option_limits(struct buf *out, const struct option_def *def)
{
    if (def->type != OPTION_INT && def->type != OPTION_SIZE && def->type != OPTION_DURATION)
        return;
    limit_text(out, def, def->min);
    buf_str(out, " to ");
    limit_text(out, def, def->max);
    if (def->zero)
        buf_str(out, ", or 0");
}

static enum sc_result check_range(const struct option_def *def, const char *value, int64_t n, struct sc_error *err)
{
    if ((n >= def->min && n <= def->max) || (n == 0 && def->zero))
        return SC_OK;
    struct buf range = {0};
    option_limits(&range, def);
    if (def->zero)
        buf_printf(&range, " (%s)", def->zero);
    error_set(err, SC_REFUSE, "%s is out of range", value);
    error_hint(err, "It may be %s.", buf_cstr(&range));
    buf_fini(&range);
    return SC_REFUSE;
}

static enum sc_result parse_choice(const struct option_def *def, const char *value, int64_t *out, struct sc_error *err)
{
    struct buf words = {0};
    size_t count = 0;
    for (; def->words[count]; count++) {
        if (strcmp(def->words[count], value) == 0) {
            *out = (int64_t)count;
            buf_fini(&words);
            return SC_OK;
        }
        buf_printf(&words, "%s%s", count == 0 ? "" : def->words[count + 1] ? ", " : " or ", def->words[count]);
    }
    error_set(err, SC_REFUSE, "\"%s\" is not one of its values", value);
    error_hint(err, "It may be %s.", buf_cstr(&words));
    buf_fini(&words);
    return SC_REFUSE;
}

/* A stronger origin replaces what a weaker one gave; the same one adds to it. */
static enum sc_result add_to_list(struct options *o, int index, struct option_list *list, const char *value,
                                  enum option_origin origin, struct sc_error *err)
{
    if (o->origin[index] < origin)
        list->count = 0;
    if (list->count == OPTION_LIST_MAX)
        return error_set(err, SC_REFUSE, "it is given more than %d times", OPTION_LIST_MAX);
    list->items[list->count++] = arena_strdup(&o->arena, value);
    return SC_OK;
}

static enum sc_result parse_number(const struct option_def *def, const char *value, int64_t *n, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (def->type == OPTION_CHOICE)
        return parse_choice(def, value, n, err);
    if (def->type == OPTION_INT)
        result = value_int(value, n, err);
    else if (def->type == OPTION_SIZE)
        result = value_size(value, n, err);
    else
        result = value_duration(value, n, err);
    return result == SC_OK ? check_range(def, value, *n, err) : result;
}

enum sc_result option_store(struct options *o, int index, const char *value, enum option_origin origin,
                            const char *where, struct sc_error *err)
{
    const struct option_def *def = &option_table[index];
    char *member = (char *)o + def->offset;
    bool wanted = o->origin[index] <= origin, flag = false;
    int64_t n = 0;
    enum sc_result result = SC_OK;
    if (!value[0]) {
        result = error_set(err, SC_REFUSE, "the value is empty");
    } else if (def->type == OPTION_TEXT) {
        if (wanted)
            *(const char **)member = arena_strdup(&o->arena, value);
    } else if (def->type == OPTION_LIST) {
        if (wanted)
            result = add_to_list(o, index, (struct option_list *)member, value, origin, err);
    } else if (url_has_password(value)) { /* a URL in the wrong place: the messages below would show it */
        result = error_set(err, SC_REFUSE, "the value is a connection URL");
    } else if (def->type == OPTION_BOOL) {
        result = value_bool(value, &flag, err);
        if (result == SC_OK && wanted)
            *(bool *)member = flag;
    } else {
        result = parse_number(def, value, &n, err);
        if (result == SC_OK && wanted)
            *(int64_t *)member = n;
    }
    if (result != SC_OK)
        return error_wrap(err, "%s", where);
    if (wanted)
        o->origin[index] = origin;
    return SC_OK;
}

/* --- the command line
 * ---------------------------------------------------------------------------------------------------- */

/* What was given, before it is known for which command. */
struct given {
    const char *values[OPTION_MAX];
    const char *words[4]; /* command, of one word or two, its argument, and one that is too many */
    int nwords;
    struct {
        int index;
        const char *value;
    } listed[OPTION_LIST_MAX]; /* of those that may be given several times */
    int nlisted;
};

/* The option as typed, without its value: that may be a secret. */
static const char *shown_option(struct options *o, const char *arg)
{
    char *shown = url_redacted(arg);
    const char *copy = arena_copy(&o->arena, shown, strcspn(shown, "="));
    mem_free(shown);
    return copy;
}

static enum sc_result unknown_option(struct options *o, const char *arg, struct sc_error *err)
{
    const char *name = arg + strspn(arg, "-");
    const char *names[OPTION_MAX + 2] = {"help", "version"};
    for (size_t i = 0; i < option_count; i++)
        names[i + 2] = option_table[i].name;
    const char *shown = shown_option(o, arg), *near = NULL;
    near = nearest_word(shown_option(o, name), names, option_count + 2);
    error_set(err, SC_REFUSE, "unknown option %s", shown);
    return near ? error_hint(err, "Did you mean --%s?", near) : SC_REFUSE;
}

static enum sc_result give(struct given *g, int index, const char *value, struct sc_error *err)
{
    if (option_table[index].type == OPTION_LIST) {
        if (g->nlisted == OPTION_LIST_MAX)
            return error_set(err, SC_REFUSE, "--%s is given more than %d times", option_table[index].name,
                             OPTION_LIST_MAX);
        g->listed[g->nlisted].index = index;
        g->listed[g->nlisted++].value = value;
        return SC_OK;
    }
    if (g->values[index]) {
        error_set(err, SC_REFUSE, "--%s is given twice", option_table[index].name);
        return strcmp(option_table[index].name, "alter") == 0
                   ? error_hint(err, "Write several actions in one --alter, parted by commas.")
                   : SC_REFUSE;
    }
    g->values[index] = value;
    return SC_OK;
}

static enum sc_result no_value(int index, struct sc_error *err)
{
    error_set(err, SC_REFUSE, "--%s needs a value", option_table[index].name);
    return error_hint(err, "Write --%s %s.", option_table[index].name, option_table[index].placeholder);
}

static enum sc_result equals_missing(int index, const char *value, struct sc_error *err)
{
    char *shown = url_redacted(value);
    error_set(err, SC_REFUSE, "the value of --%s must follow an equals sign", option_table[index].name);
    error_hint(err, "Write --%s=%s, or --%s alone for %s.", option_table[index].name, shown, option_table[index].name,
               option_table[index].bare);
    mem_free(shown);
    return SC_REFUSE;
}

/* --name=value, --name value, --name (BOOL, or where there is a value for it). *next moves when the following argument
 * was the value. */
static enum sc_result long_option(struct options *o, struct given *g, char *const *argv, int argc, int *next,
                                  struct sc_error *err)
{
    const char *arg = argv[*next], *name = arg + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    if (strcmp(name, "help") == 0) {
        o->help = true;
        return SC_OK;
    }
    if (strcmp(name, "version") == 0) {
        o->version = true;
        return SC_OK;
    }
    if (strcmp(name, "markdown") == 0) {
        o->markdown = true;
        return SC_OK;
    }
    int index = option_find(name, len);
    if (index < 0 && value && (strncmp(name, "help=", 5) == 0 || strncmp(name, "version=", 8) == 0))
        return error_set(err, SC_REFUSE, "%s takes no value", shown_option(o, arg));
    if (index < 0)
        return unknown_option(o, arg, err);
    if (!value && option_table[index].bare && *next + 1 < argc && isdigit((unsigned char)argv[*next + 1][0]))
        return equals_missing(index, argv[*next + 1], err);
    if (!value)
        value = option_table[index].type == OPTION_BOOL ? "true" : option_table[index].bare;
    if (!value && *next + 1 < argc)
        value = argv[++*next];
    return value ? give(g, index, value, err) : no_value(index, err);
}

/* -h, -V, -t value, -tvalue */
static enum sc_result short_option(struct options *o, struct given *g, char *const *argv, int argc, int *next,
                                   struct sc_error *err)
{
    const char *arg = argv[*next];
    if (strcmp(arg, "-h") == 0 || strcmp(arg, "-?") == 0) {
        o->help = true;
        return SC_OK;
    }
    if (strcmp(arg, "-V") == 0) {
        o->version = true;
        return SC_OK;
    }
    /* -table=x: one dash short of a long option. */
    size_t len = strcspn(arg + 1, "=");
    if (option_find(arg + 1, len) >= 0) {
        error_set(err, SC_REFUSE, "unknown option %s", shown_option(o, arg));
        return error_hint(err, "Long options have two dashes: -%s.", shown_option(o, arg));
    }
    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].letter != arg[1])
            continue;
        const char *value = arg[2] ? arg + 2 : *next + 1 < argc ? argv[++*next] : NULL;
        return value ? give(g, (int)i, value, err) : no_value((int)i, err);
    }
    char only_letter[3] = {'-', arg[1], 0}; /* what follows may be a value */
    return error_set(err, SC_REFUSE, "unknown option %s", only_letter);
}

static enum sc_result one_too_many(const char *word, struct sc_error *err)
{
    char *shown = url_redacted(word);
    error_set(err, SC_REFUSE, "\"%s\" is one argument too many", shown);
    mem_free(shown);
    return error_hint(err, "An argument with spaces in it must be quoted for the shell.");
}

static enum sc_result read_arguments(struct options *o, struct given *g, int argc, char *const *argv,
                                     struct sc_error *err)
{
    bool options_end = false;
    enum sc_result result = SC_OK;
    for (int i = 1; i < argc && result == SC_OK; i++) {
        const char *arg = argv[i];
        if (!options_end && strcmp(arg, "--") == 0)
            options_end = true;
        else if (!options_end && arg[0] == '-' && arg[1] == '-')
            result = long_option(o, g, argv, argc, &i, err);
        else if (!options_end && arg[0] == '-' && arg[1])
            result = short_option(o, g, argv, argc, &i, err);
        else if (g->nwords < 4)
            g->words[g->nwords++] = arg;
    }
    return result;
}

static const char *two_words(struct options *o, const char *first, const char *second)
{
    char *text = mem_printf("%s %s", first, second);
    const char *kept = arena_strdup(&o->arena, text);
    mem_free(text);
    return kept;
}

/* "audit check" rather than "audit". */
static const struct command *command_of(const struct given *g)
{
    const struct command *command = NULL;
    if (g->nwords > 1) {
        char *name = mem_printf("%s %s", g->words[0], g->words[1]);
        command = command_find(name);
        mem_free(name);
    }
    return command ? command : command_find(g->words[0]);
}

static enum sc_result find_command(struct options *o, struct given *g, struct sc_error *err)
{
    if (g->nwords == 0) {
        if (o->help || o->version)
            return SC_OK;
        error_set(err, SC_REFUSE, "no command is given");
        return error_hint(err, "Begin with `seachange plan`, which changes nothing.");
    }
    const struct command *command = command_of(g);
    if (!command) {
        char *shown = url_redacted(g->words[0]);
        const char *near = command_nearest(g->words[0]);
        error_set(err, SC_REFUSE, "\"%s\" is not a command", shown);
        if (near)
            error_hint(err, "Did you mean `seachange %s`?", near);
        mem_free(shown);
        return SC_REFUSE;
    }
    o->command = command->id;
    int used = strchr(command->name, ' ') ? 2 : 1;
    if (o->help || o->version)
        return SC_OK;
    if (command->id == COMMAND_HELP && g->nwords > 1) {
        o->topic = g->nwords == 2 ? arena_strdup(&o->arena, g->words[1]) : two_words(o, g->words[1], g->words[2]);
        used = 3;
    }
    enum sc_result result = SC_OK;
    if (command->id == COMMAND_ABORT && g->nwords > used)
        result = give(g, option_find("id", 2), g->words[used++], err);
    return result == SC_OK && g->nwords > used ? one_too_many(g->words[used], err) : result;
}

static enum sc_result refuse_password(const struct given *g, struct sc_error *err)
{
    const char *source = g->values[option_find("source", 6)];
    if (!source || !url_has_password(source))
        return SC_OK;
    error_set(err, SC_REFUSE,
              "--source has a password in it, which every user of this machine can read in the list of "
              "processes");
    return error_hint(err, "Leave it out and use a password file (PGPASSFILE, or ~/.pgpass; MySQL and MariaDB: "
                           "?defaults-file=...), or give the whole URL by the "
                           "environment variable SEACHANGE_SOURCE or as `source = URL` in the file of --config.");
}

/* librdkafka's properties that are secrets: by name. The name is cut off for the message where something is wrong with
 * it. */
static enum sc_result refuse_secret_properties(const struct given *g, struct sc_error *err)
{
    for (int i = 0; i < g->nlisted; i++) {
        const char *property = g->listed[i].value;
        size_t len = strcspn(property, "=");
        if (!property[len] || !(strcasestr(property, "password") || strcasestr(property, "secret") ||
                                strncasecmp(property, "ssl.key.pem", 11) == 0 ||
                                strncasecmp(property, "sasl.oauthbearer.config", 23) == 0))
            continue;
        error_set(err, SC_REFUSE,
                  "-X has a secret in it, which every user of this machine can read in the list of processes");
        return error_hint(err,
                          "Put the line into the file of --audit-config, or `audit-property = %.*s=...` into that "
                          "of --config.",
                          len > 60 ? 60 : (int)len, property);
    }
    return SC_OK;
}

static enum sc_result store_one(struct options *o, int index, const char *value, struct sc_error *err)
{
    const struct option_def *def = &option_table[index];
    if (!(def->commands & o->command))
        return error_set(err, SC_REFUSE, "`seachange %s` has no option --%s", command_by_id(o->command)->name,
                         def->name);
    char where[64];
    snprintf(where, sizeof(where), "--%s", def->name);
    return option_store(o, index, value, ORIGIN_COMMAND_LINE, where, err);
}

static enum sc_result store_given(struct options *o, const struct given *g, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < option_count && result == SC_OK; i++)
        if (g->values[i])
            result = store_one(o, (int)i, g->values[i], err);
    for (int i = 0; i < g->nlisted && result == SC_OK; i++)
        result = store_one(o, g->listed[i].index, g->listed[i].value, err);
    return result;
}

/* --- the environment, and what must be there in the end
 * ------------------------------------------------------------------ */

static const char *environment_value(char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return *environment + len + 1;
    return NULL;
}

/* An empty variable is as none: that is how a manifest or a shell leaves one out. */
static enum sc_result store_environment(struct options *o, char *const *environment, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < option_count && result == SC_OK; i++) {
        char name[64];
        option_environment_name(&option_table[i], name);
        const char *value = environment_value(environment, name);
        if (value && value[0] && (option_table[i].commands & o->command))
            result = option_store(o, (int)i, value, ORIGIN_ENVIRONMENT, name, err);
    }
    return result;
}

static void store_defaults(struct options *o)
{
    for (size_t i = 0; i < option_count; i++) {
        struct sc_error err;
        if (option_table[i].standard &&
            option_store(o, (int)i, option_table[i].standard, ORIGIN_DEFAULT, option_table[i].name, &err) != SC_OK)
            abort(); /* the table contradicts itself */
    }
}

static enum sc_result check_required(const struct options *o, struct sc_error *err)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_def *def = &option_table[i];
        if (!(def->required & o->command) || o->origin[i] != ORIGIN_DEFAULT)
            continue;
        char name[64];
        option_environment_name(def, name);
        error_set(err, SC_REFUSE, "--%s is missing", def->name);
        return error_hint(err, "Write --%s %s, or set %s, or put `%s = %s` into the file of --config.", def->name,
                          def->placeholder, name, def->name, def->placeholder);
    }
    return SC_OK;
}

static enum sc_result check_abort(struct options *o, struct sc_error *err)
{
    if (o->command != COMMAND_ABORT)
        return SC_OK;
    enum option_origin id = o->origin[option_find("id", 2)], table = o->origin[option_find("table", 5)];
    if (!o->id && !o->table) {
        error_set(err, SC_REFUSE, "which migration?");
        return error_hint(err, "Write `seachange abort ID`, with the id that `seachange list` shows, or --table NAME.");
    }
    if (o->id && o->table && id == table)
        return error_set(err, SC_REFUSE, "both an id and --table are given; one says it");
    if (o->id && o->table) { /* the nearer to the operator's hand is meant */
        if (id > table)
            o->table = NULL;
        else
            o->id = NULL;
    }
    if (o->id && (strlen(o->id) != 8 || strspn(o->id, "0123456789abcdef") != 8)) {
        char *shown = url_redacted(o->id);
        error_set(err, SC_REFUSE, "\"%.40s\" is not the id of a migration", shown);
        mem_free(shown);
        return error_hint(
            err, "An id is 8 hexadecimal digits, as `seachange list` shows it. A table's name goes to --table.");
    }
    return SC_OK;
}

static enum sc_result check_alter(const struct options *o, struct sc_error *err)
{
    if (!o->alter || !(o->command & (COMMAND_PLAN | COMMAND_MIGRATE)))
        return SC_OK;
    const char *p = o->alter + strspn(o->alter, " \t\r\n");
    if (!*p)
        return error_set(err, SC_REFUSE, "--alter is empty");
    if (strncasecmp(p, "alter", 5) != 0 || !isspace((unsigned char)p[5]))
        return SC_OK;
    p += 5 + strspn(p + 5, " \t\r\n");
    if (strncasecmp(p, "table", 5) != 0 || !isspace((unsigned char)p[5]))
        return SC_OK;
    error_set(err, SC_REFUSE, "--alter begins with ALTER TABLE");
    return error_hint(err,
                      "Leave out \"ALTER TABLE name\": the table is in --table, --alter is what stands behind it.");
}

enum sc_result options_parse(struct options *o, int argc, char *const *argv, char *const *environment,
                             struct sc_error *err)
{
    *o = (struct options){0};
    error_init(err);
    store_defaults(o);
    struct given g = {0};
    enum sc_result result = read_arguments(o, &g, argc, argv, err);
    if (result == SC_OK)
        result = find_command(o, &g, err);
    else if (g.nwords > 0 && command_of(&g))
        o->command = command_of(&g)->id; /* whose help to point at */
    if (result == SC_OK && o->markdown && o->command != COMMAND_HELP)
        result = unknown_option(o, "--markdown", err);
    if (result != SC_OK || o->help || o->version)
        return result;
    result = refuse_password(&g, err);
    if (result == SC_OK)
        result = refuse_secret_properties(&g, err);
    if (result == SC_OK)
        result = store_given(o, &g, err);
    if (result == SC_OK)
        result = store_environment(o, environment, err);
    if (result == SC_OK && o->config)
        result = options_read_file(o, o->config, err);
    if (result == SC_OK)
        result = check_required(o, err);
    if (result == SC_OK)
        result = check_abort(o, err);
    if (result == SC_OK)
        result = check_alter(o, err);
    if (result == SC_OK && !o->spool_dir) {
        const char *temporary = environment_value(environment, "TMPDIR");
        o->spool_dir = arena_strdup(&o->arena, temporary && temporary[0] ? temporary : "/var/tmp");
    }
    return result;
}

void options_fini(struct options *o)
{
    arena_fini(&o->arena);
    *o = (struct options){0};
}
