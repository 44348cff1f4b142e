/* The commands: one table, from which comes their help. */
#ifndef SC_CLI_COMMAND_H
#define SC_CLI_COMMAND_H

#include "cli/options.h"

struct command {
    enum command_id id;
    const char *name;
    const char *summary;     /* half a line */
    const char *usage;       /* lines behind "seachange " */
    const char *description; /* paragraphs, parted by an empty line; wrapped when printed */
    const char *examples;    /* lines, printed as they are */
    const char *argument;    /* what may stand without an option's name: "ID"; NULL: nothing */
};

extern const struct command command_table[];
extern const size_t command_count;

const struct command *command_find(const char *name);    /* NULL: there is none */
const struct command *command_by_id(enum command_id id); /* NULL: there is none */
const char *command_nearest(const char *typed);          /* NULL: none is near */

#endif
