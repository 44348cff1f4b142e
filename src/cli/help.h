/* The texts of the help, from the tables of commands and options. */
#ifndef SC_CLI_HELP_H
#define SC_CLI_HELP_H

#include "base/mem.h"

struct command;

/* `command` NULL: of the program. */
void help_text(struct buf *out, const struct command *command);

/* docs/options.md */
void help_markdown(struct buf *out);

#endif
