#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/exit.h"

#define LINE_WIDTH 80
#define TEXT_COLUMN 28

/* Appends text wrapped to LINE_WIDTH; the cursor is in `column` now, later lines begin in `indent`. An empty line stays
 * one. */
static void wrap(struct buf *out, const char *text, int column, int indent)
{
    bool first = true;
    while (*text) {
        if (*text == '\n') {
            buf_char(out, '\n');
            text++;
            buf_printf(out, "%*s", *text == '\n' ? 0 : indent, "");
            column = indent;
            first = true;
            continue;
        }
        if (*text == ' ') {
            text++;
            continue;
        }
        int len = (int)strcspn(text, " \n");
        if (!first && column + 1 + len > LINE_WIDTH) {
            buf_printf(out, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        buf_printf(out, "%s%.*s", first ? "" : " ", len, text);
        column += len + !first;
        first = false;
        text += len;
    }
    buf_char(out, '\n');
}

/* "  -t, --table NAME        text ..." */
static void entry(struct buf *out, const char *label, const char *text)
{
    buf_printf(out, "%-*s", TEXT_COLUMN, label);
    if ((int)strlen(label) >= TEXT_COLUMN)
        buf_printf(out, "\n%*s", TEXT_COLUMN, "");
    wrap(out, text, TEXT_COLUMN, TEXT_COLUMN);
}

static void option_entry(struct buf *out, const struct option_def *def)
{
    char label[80];
    int n = def->letter ? snprintf(label, sizeof(label), "  -%c, --%s", def->letter, def->name)
                        : snprintf(label, sizeof(label), "      --%s", def->name);
    if (def->placeholder)
        snprintf(label + n, sizeof(label) - (size_t)n, def->bare ? "[=%s]" : " %s", def->placeholder);
    struct buf text = {0};
    buf_str(&text, def->help);
    const char *standard = def->standard ? def->standard : def->standard_text;
    struct buf limits = {0};
    option_limits(&limits, def);
    if (standard && def->type != OPTION_BOOL)
        buf_printf(&text, " (%s%sdefault: %s)", buf_cstr(&limits), limits.len ? "; " : "", standard);
    else if (limits.len)
        buf_printf(&text, " (%s)", buf_cstr(&limits));
    buf_fini(&limits);
    entry(out, label, buf_cstr(&text));
    buf_fini(&text);
}

static void option_entries(struct buf *out, const struct command *command)
{
    for (int group = 0; group < GROUP_COUNT; group++) {
        bool titled = false;
        for (size_t i = 0; i < option_count; i++) {
            const struct option_def *def = &option_table[i];
            if ((int)def->group != group || !(def->commands & command->id))
                continue;
            if (!titled)
                buf_printf(out, "\n%s:\n", option_group_titles[group]);
            titled = true;
            option_entry(out, def);
        }
        if (group == GROUP_OUTPUT)
            entry(out, "  -h, --help", "Show this help.");
    }
}

static void exit_entries(struct buf *out)
{
    buf_str(out, "\nExit status:\n");
    for (size_t i = 0; i < exit_text_count; i++) {
        buf_printf(out, "  %3d  ", exit_texts[i].status);
        wrap(out, exit_texts[i].text, 7, 7);
    }
}

static const char environment_text[] =
    "Every option can be given by a variable too: SEACHANGE_ and its name in capitals, with _ for - "
    "(SEACHANGE_CHUNK_TIME "
    "for --chunk-time), and by a line in the file of --config. The command line comes first, then the environment, "
    "then the "
    "file. libpq's own variables (PGPASSFILE, PGSSLMODE, PGSERVICE, ...) work as with psql, MYSQL_PWD as with mysql.";

static void usage_lines(struct buf *out, const char *usage)
{
    buf_str(out, "Usage:\n");
    while (*usage) {
        int len = (int)strcspn(usage, "\n");
        buf_printf(out, "  seachange %.*s\n", len, usage);
        usage += len + (usage[len] == '\n');
    }
}

static void program_help(struct buf *out)
{
    buf_str(out, "seachange changes the schema of a live table without stopping its writers.\n\n");
    usage_lines(out, "COMMAND [options]");
    buf_str(out, "\nCommands:\n");
    for (size_t i = 0; i < command_count; i++)
        buf_printf(out, "  %-9s %s\n", command_table[i].name, command_table[i].summary);
    buf_str(out, "\nOptions:\n");
    buf_str(out, "  -h, --help     show this help; `seachange COMMAND --help` shows a command's\n");
    buf_str(out, "  -V, --version  show the version\n");
    buf_str(out, "\nFirst steps:\n");
    buf_str(out, "  export SEACHANGE_SOURCE=postgresql://app@db1/shop\n");
    buf_str(out, "  seachange plan    -t shop.orders -a 'ALTER COLUMN id TYPE bigint'\n");
    buf_str(out, "  seachange migrate -t shop.orders -a 'ALTER COLUMN id TYPE bigint'\n");
    buf_str(out, "  seachange plan -s mysql://app@db1/shop -t orders -a 'MODIFY n bigint'\n");
    exit_entries(out);
    buf_str(out, "\nEnvironment:\n  ");
    wrap(out, environment_text, 2, 2);
}

void help_text(struct buf *out, const struct command *command)
{
    if (!command) {
        program_help(out);
        return;
    }
    buf_printf(out, "seachange %s: %s.\n\n", command->name, command->summary);
    usage_lines(out, command->usage);
    buf_char(out, '\n');
    wrap(out, command->description, 0, 0);
    if (command->id & COMMAND_SERVER)
        option_entries(out, command);
    buf_printf(out, "\nExamples:\n%s", command->examples);
    if (command->id & COMMAND_SERVER) {
        exit_entries(out);
        buf_str(out, "\nEnvironment:\n  ");
        wrap(out, environment_text, 2, 2);
    }
}

/* --- docs/options.md
 * ----------------------------------------------------------------------------------------------------- */

/* Inside a table | parts cells and < begins HTML. */
static void cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_str(out, "\\|");
        else if (*text == '<')
            buf_str(out, "&lt;");
        else
            buf_char(out, *text);
    }
}

static void option_row(struct buf *out, const struct option_def *def)
{
    char variable[64];
    option_environment_name(def, variable);
    buf_char(out, '|');
    if (def->letter)
        buf_printf(out, " `-%c`,", def->letter);
    buf_printf(out, " `--%s", def->name);
    if (def->placeholder)
        buf_printf(out, def->bare ? "[=%s]" : " %s", def->placeholder);
    buf_printf(out, "` | `%s` | ", variable);
    if (def->standard)
        buf_printf(out, "`%s`", def->standard);
    else if (def->standard_text)
        cell(out, def->standard_text);
    buf_str(out, " | ");
    option_limits(out, def);
    buf_str(out, " | ");
    const char *separator = "";
    for (size_t i = 0; i < command_count; i++) {
        if (def->commands & command_table[i].id) {
            buf_printf(out, "%s%s%s", separator, command_table[i].name,
                       def->required & command_table[i].id ? "\\*" : "");
            separator = ", ";
        }
    }
    buf_str(out, " | ");
    cell(out, def->help);
    buf_str(out, " |\n");
}

void help_markdown(struct buf *out)
{
    buf_str(
        out,
        "# Commands and options\n\n"
        "<!-- Made by `seachange help --markdown > docs/options.md`; a test compares. Change src/cli/option_table.c "
        "and command.c. -->\n\n## Commands\n\n");
    for (size_t i = 0; i < command_count; i++)
        buf_printf(out, "- `seachange %s`: %s\n", command_table[i].name, command_table[i].summary);
    buf_str(out,
            "\n## Options\n\n"
            "A value comes from the command line, else from the environment, else from the file of `--config`, else it "
            "is the default. \\* after a command: it needs the option. The key in the file is the long name without "
            "its dashes.\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        buf_printf(out, "\n### %s\n\n", option_group_titles[group]);
        buf_str(out, "| option | environment | default | limits | commands | |\n|---|---|---|---|---|---|\n");
        for (size_t i = 0; i < option_count; i++)
            if ((int)option_table[i].group == group)
                option_row(out, &option_table[i]);
    }
    buf_str(
        out,
        "\n## Values\n\n"
        "- TIME: a number and its unit, `500ms`, `10s`, `2m`, `1m30s`, `1.5h`; the units are ms, s, m, h and d.\n"
        "- SIZE: a number and its unit, `64MiB`; the units are B, KiB, MiB, GiB and TiB.\n"
        "- Options without a value are off unless given; in the environment and the file they are `true` or `false`.\n"
        "- An environment variable that is set but empty counts as not set.\n"
        "\n## The file of --config\n\n"
        "Lines of `key = value`. The value is the rest of the line as it is, without quotes around it. Lines that "
        "begin with `#` are comments. An unknown key, a key given twice or a bad value ends the program with exit code "
        "2 "
        "and names file and line, before anything is connected to.\n\n"
        "```\n# orders.conf\nsource = postgresql://app@db1/shop\ntable = shop.orders\n"
        "alter = ADD COLUMN region text NOT NULL DEFAULT 'eu'\nworkers = 4\n```\n"
        "\n## Passwords\n\n"
        "A password in `--source` on the command line is refused: every user of the machine can read it there. Use "
        "a password file (`PGPASSFILE`, `~/.pgpass`; MySQL and MariaDB: `?defaults-file=...` in the URL, its groups "
        "`[client]` and `[seachange]`), `SEACHANGE_SOURCE` or the file of `--config`. No password is ever logged or "
        "printed.\n"
        "\n## Exit status\n\n| status | meaning |\n|---|---|\n");
    for (size_t i = 0; i < exit_text_count; i++) {
        buf_printf(out, "| %d | ", exit_texts[i].status);
        cell(out, exit_texts[i].text);
        buf_str(out, " |\n");
    }
}
