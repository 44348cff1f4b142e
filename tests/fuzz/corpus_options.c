/* First inputs for fuzz_options. */
#include "cli/options.h"
#include "fuzz/corpus.h"
#include "fuzz/options.h"

static const char *some_value(const struct option_def *def)
{
    switch (def->type) {
    case OPTION_INT:
        return "3";
    case OPTION_SIZE:
        return "64MiB";
    case OPTION_DURATION:
        return "1m30s";
    case OPTION_BOOL:
        return "on";
    case OPTION_CHOICE:
        return def->words[0];
    default:
        return strcmp(def->name, "id") == 0 ? "0123abcd" : "mysql://u@h/x";
    }
}

/* Every option in every place. */
static void each_option(void)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_def *def = &option_table[i];
        char variable[64], *line, *file, *environment;
        option_environment_name(def, variable);
        const char *value = some_value(def), *rest = "--table=t\xff--alter\xff"
                                                     "FORCE\xff-s\xffmysql://u@h/x";
        const char *command = def->commands & COMMAND_MIGRATE ? "migrate"
                              : def->commands & COMMAND_LIST  ? "list"
                                                              : "abort";
        line = mem_printf("%s\xff--%s=%s\xff%s", command, def->name, value, rest);
        file = mem_printf("# %s\n%s = %s\n", def->name, def->name, value);
        environment = mem_printf("%s\xff%s\xff\xff%s=%s", command, rest, variable, value);
        corpus_text(FUZZ_COMMAND_LINE, line);
        corpus_text(FUZZ_FILE, file);
        corpus_text(FUZZ_COMMAND_LINE, environment);
        mem_free(line);
        mem_free(file);
        mem_free(environment);
    }
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    each_option();
    static const char *const lines[] = {
        "abort\xff"
        "0123abcd\xff-smysql://u@h/x",
        "help\xffmigrate",
        "--version",
        "-h",
        "migrate\xff--hlep",
        "list\xff-s",
        "plan\xff-table=x",
        "plan\xffmysql://u:Tr0ub4dor@h/x",
        "plan\xff--source=mysql://u:Tr0ub4dor@h/x",
        "plan\xff-s\xff"
        "a\xff--workers\xffmysql://u:Tr0ub4dor@h/x",
        "mysql://u:Tr0ub4dor@h/x",
        "plan\xff--\xff-x\xffy",
        "plan\xff--mysql://u:Tr0ub4dor@h/x",
        "help\xff--markdown",
        "list\xff\xffSEACHANGE_SOURCE=mysql://u:Tr0ub4dor@h/x\xffTMPDIR=/x",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        corpus_text(FUZZ_COMMAND_LINE, lines[i]);
    corpus_text(FUZZ_FILE, "\xef\xbb\xbf# x\r\n\nsource=mysql://u:Tr0ub4dor@h/x\nworkers = 4\nworkers = 5\n");
    corpus_text(FUZZ_FILE, "mysql://u:Tr0ub4dor@h/x?a=b\n");
    corpus_text(FUZZ_FILE, "drop-old = maybe\n");
    static const char *const values[] = {
        "0", "-17", "1.5s", "1d 2h3m4s5ms", "0.000001TiB", "9223372036854775807B", "7min", "1 KiB", "yes", "12"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        corpus_text(FUZZ_VALUE, values[i]);
    return corpus_end();
}
