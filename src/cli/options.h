/* The options: one table (option_table.c), from which come the parser, the environment, the file of --config, the help
 * and docs/options.md.
 *
 * A value comes from the command line, else from the environment (SEACHANGE_WORKERS for --workers), else from the file
 * (workers = 4), else it is the default. Everything is checked before anything is connected to. */
#ifndef SC_CLI_OPTIONS_H
#define SC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* Which commands take an option. */
enum command_id {
    COMMAND_PLAN = 1 << 0,
    COMMAND_MIGRATE = 1 << 1,
    COMMAND_LIST = 1 << 2,
    COMMAND_ABORT = 1 << 3,
    COMMAND_HELP = 1 << 4,
    COMMAND_VERSION = 1 << 5,
    COMMAND_VERIFY = 1 << 6,
    COMMAND_AUDIT = 1 << 7,
    COMMAND_AUDIT_CHECK = 1 << 8,
    COMMAND_AUDIT_REMOVE = 1 << 9,
};
#define COMMAND_SERVER                                                                                                 \
    (COMMAND_PLAN | COMMAND_MIGRATE | COMMAND_VERIFY | COMMAND_LIST | COMMAND_ABORT | COMMAND_AUDIT |                  \
     COMMAND_AUDIT_CHECK | COMMAND_AUDIT_REMOVE)

enum option_type {
    OPTION_TEXT,     /* const char * */
    OPTION_INT,      /* int64_t */
    OPTION_SIZE,     /* int64_t, bytes */
    OPTION_DURATION, /* int64_t, milliseconds */
    OPTION_BOOL,     /* bool */
    OPTION_CHOICE,   /* int64_t, index of the word */
    OPTION_LIST,     /* struct option_list: may be given several times */
};

/* What was given last by the strongest origin. */
#define OPTION_LIST_MAX 64
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

enum option_group {
    GROUP_WHAT,
    GROUP_COPY,
    GROUP_SPOOL,
    GROUP_CUTOVER,
    GROUP_COMPARE,
    GROUP_AUDIT,
    GROUP_OUTPUT,
    GROUP_COUNT
};

struct option_def {
    const char *name; /* long name, and the key in the file */
    char letter;      /* short name, or 0 */
    enum option_type type;
    unsigned commands; /* of enum command_id */
    unsigned required; /* of enum command_id */
    enum option_group group;
    size_t offset;    /* of its member in struct options */
    int64_t min, max; /* INT, SIZE (bytes), DURATION (milliseconds) */
    const char *zero; /* what 0 means where it may be given although it is below min; NULL: it may not */
    const char *bare; /* the value of --name without one; then --name takes one only as --name=VALUE. BOOL: true */
    const char *const *words;  /* CHOICE; ends with NULL */
    const char *standard;      /* default, as the operator would write it; NULL: none */
    const char *standard_text; /* how the default is described when it is not fixed */
    const char *placeholder;   /* NULL for BOOL */
    const char *help;          /* sentences; wrapped when printed */
};

extern const struct option_def option_table[];
extern const size_t option_count;
extern const char *const option_group_titles[GROUP_COUNT];
#define OPTION_MAX 64 /* more than there are (asserted) */

enum option_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_COMMAND_LINE };

struct options {
    enum command_id command; /* 0: none was given (only with help or version) */
    bool help, version;      /* --help, --version: nothing else was checked */
    bool markdown;           /* help --markdown: prints docs/options.md */
    const char *topic;       /* help COMMAND */

    const char *source, *table, *alter, *with, *map, *id, *config, *spool_dir, *http;
    int64_t workers, chunk_time_ms, lock_timeout_ms, cutover_tries, spool_memory_bytes, spool_disk_bytes;
    int64_t slot_wait_ms, old_snapshot_wait_ms, kill_blockers_ms, max_lag_ms, give_up_ms, progress_interval_ms;
    int64_t recheck_ms, looks;
    int64_t log_level;  /* enum log_level */
    int64_t log_format; /* 0 text, 1 json */
    bool drop_old, verify;

    const char *audit_kafka, *audit_topic, *audit_prefix, *audit_columns, *audit_key_file, *audit_config, *audit_stream;
    struct option_list audit_properties;
    int64_t audit_policy;   /* 0 required, 1 best-effort */
    int64_t audit_decimals; /* enum audit_decimals */
    bool audit_schemas, audit_tombstones, audit_snapshot, audit_transactions;
    int64_t audit_heartbeat_ms;
    int64_t audit_messages;
    int64_t audit_memory_bytes;

    enum option_origin origin[OPTION_MAX]; /* by index in option_table */
    struct arena arena;                    /* holds every string */
};

/* Reads the command line, the environment and the file. argv and environment as main() gets them; neither is kept.
 * SC_REFUSE: wrong usage; what and hint say what to write instead, never with a password in it. Call options_fini() in
 * every case. */
enum sc_result options_parse(struct options *o, int argc, char *const *argv, char *const *environment,
                             struct sc_error *err);
void options_fini(struct options *o);

/* The index of an option by its long name, or -1. */
int option_find(const char *name, size_t len);

/* Stores one value, checked against type and range, with where it came from ("--workers", "SEACHANGE_WORKERS",
 * "seachange.conf:3: workers") for the error. */
enum sc_result option_store(struct options *o, int index, const char *value, enum option_origin origin,
                            const char *where, struct sc_error *err);

/* Appends what a number, size or time may be, from the table: "10ms to 1m", "1 to 1000000, or 0". Nothing for others.
 */
void option_limits(struct buf *out, const struct option_def *def);

/* "SEACHANGE_CHUNK_TIME" for "chunk-time". */
void option_environment_name(const struct option_def *def, char out[static 64]);

/* config_file.c: reads the file of --config. Values that the command line or the environment gave are checked, but
 * stay. */
enum sc_result options_read_file(struct options *o, const char *path, struct sc_error *err);
/* What is in it; the text is changed. `path` is for messages. */
enum sc_result options_read_text(struct options *o, const char *path, char *text, struct sc_error *err);

#endif
