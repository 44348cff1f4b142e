#include "cli/options.h"

static const char *const level_words[] = {"debug", "info", "warning", "error", NULL}; /* as enum log_level */
static const char *const format_words[] = {"text", "json", NULL};

const char *const option_group_titles[GROUP_COUNT] = {
    [GROUP_WHAT] = "What to change", [GROUP_COPY] = "Copying and applying", [GROUP_SPOOL] = "Where changes wait",
    [GROUP_CUTOVER] = "The cutover", [GROUP_COMPARE] = "Comparing",         [GROUP_OUTPUT] = "Configuration and output",
};

#define AT(member) offsetof(struct options, member)
#define MS(n) ((int64_t)(n))
#define SECONDS(n) MS((n)*1000LL)
#define MINUTES(n) SECONDS((n)*60LL)
#define HOURS(n) MINUTES((n)*60LL)
#define KIB(n) ((int64_t)(n) << 10)
#define GIB(n) ((int64_t)(n) << 30)
#define TIB(n) ((int64_t)(n) << 40)

const struct option_def option_table[] = {
    {.name = "source",
     .letter = 's',
     .type = OPTION_TEXT,
     .commands = COMMAND_SERVER,
     .required = COMMAND_SERVER,
     .group = GROUP_WHAT,
     .offset = AT(source),
     .placeholder = "URL",
     .help =
         "The server and database: postgresql://user@host:5432/database, with all parameters libpq knows, or a libpq "
         "string (\"host=... dbname=...\"); mysql://user@host:3306/database for MySQL and MariaDB, with the parameters "
         "socket, defaults-file, connect-timeout, ssl-mode, ssl-ca, ssl-cert, ssl-key and get-server-public-key. Must "
         "be the primary, reached directly: no pooler or proxy in between. A password is refused here, where every "
         "user of the machine can read it; put it into a password file (PGPASSFILE; defaults-file=... in a mysql URL), "
         "or give the whole URL by SEACHANGE_SOURCE or the --config file."},
    {.name = "table",
     .letter = 't',
     .type = OPTION_TEXT,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE | COMMAND_VERIFY | COMMAND_ABORT,
     .required = COMMAND_PLAN | COMMAND_MIGRATE | COMMAND_VERIFY,
     .group = GROUP_WHAT,
     .offset = AT(table),
     .placeholder = "NAME",
     .help = "The table, as in SQL: orders, shop.orders, shop.\"Order Lines\", shop.`Order Lines`. MySQL and MariaDB: "
             "what stands before the dot is the database, which may be in the URL instead."},
    {.name = "alter",
     .letter = 'a',
     .type = OPTION_TEXT,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE,
     .required = COMMAND_PLAN | COMMAND_MIGRATE,
     .group = GROUP_WHAT,
     .offset = AT(alter),
     .placeholder = "ACTIONS",
     .help = "What to do to it: everything that stands behind ALTER TABLE name, several actions parted by commas."},
    {.name = "with",
     .type = OPTION_TEXT,
     .commands = COMMAND_VERIFY,
     .group = GROUP_WHAT,
     .offset = AT(with),
     .standard_text = "the table that a migration has put aside",
     .placeholder = "NAME",
     .help = "The table to compare with, of the same database (MySQL, MariaDB: of the same server)."},
    {.name = "map",
     .type = OPTION_TEXT,
     .commands = COMMAND_VERIFY,
     .group = GROUP_WHAT,
     .offset = AT(map),
     .placeholder = "A=B",
     .help =
         "Column A of --table is column B of the other one; several parted by commas. All others are known by their "
         "names."},
    {.name = "id",
     .type = OPTION_TEXT,
     .commands = COMMAND_ABORT,
     .group = GROUP_WHAT,
     .offset = AT(id),
     .placeholder = "ID",
     .help = "The migration, as `seachange list` shows it: 8 hexadecimal digits."},

    {.name = "workers",
     .type = OPTION_INT,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE | COMMAND_VERIFY,
     .group = GROUP_COPY,
     .offset = AT(workers),
     .min = 1,
     .max = 64,
     .standard = "2",
     .placeholder = "N",
     .help = "How many connections copy, or compare, rows side by side. As many build indexes (MySQL and MariaDB: "
             "one), and twice as "
             "many, up to 8, apply changes when there are many."},
    {.name = "chunk-time",
     .type = OPTION_DURATION,
     .commands = COMMAND_MIGRATE | COMMAND_VERIFY,
     .group = GROUP_COPY,
     .offset = AT(chunk_time_ms),
     .min = MS(10),
     .max = SECONDS(60),
     .standard = "500ms",
     .placeholder = "TIME",
     .help = "How long one chunk of rows should take to copy, or to compare; the number of rows in a chunk follows it. "
             "Shorter is gentler "
             "to the server, longer is faster. MySQL and MariaDB: a chunk is copied in transactions of 100 ms or so "
             "whatever this says, because they lock the rows they read."},
    {.name = "slot-wait",
     .type = OPTION_DURATION,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE,
     .group = GROUP_COPY,
     .offset = AT(slot_wait_ms),
     .min = SECONDS(1),
     .max = HOURS(24),
     .standard = "10m",
     .placeholder = "TIME",
     .help =
         "PostgreSQL: how long to wait at the start for transactions that are open, because the server cannot begin "
         "to decode its log before they end, and for commits that a synchronous standby keeps invisible. What is "
         "waited for is shown."},
    {.name = "give-up",
     .type = OPTION_DURATION,
     .commands = COMMAND_MIGRATE | COMMAND_VERIFY,
     .group = GROUP_COPY,
     .offset = AT(give_up_ms),
     .min = SECONDS(1),
     .max = HOURS(24 * 7),
     .standard = "10m",
     .placeholder = "TIME",
     .help = "How long to try to reach a server that is gone. Then the program stops with exit code 75, and the same "
             "command goes on where it was (verify: begins anew)."},

    {.name = "spool-dir",
     .type = OPTION_TEXT,
     .commands = COMMAND_MIGRATE,
     .group = GROUP_SPOOL,
     .offset = AT(spool_dir),
     .standard_text = "$TMPDIR, else /var/tmp",
     .placeholder = "DIRECTORY",
     .help =
         "Where changes wait that the new table cannot take yet, compressed, in a directory seachange-ID made there. "
         "Nothing in it has to survive: after a crash the server sends it again."},
    {.name = "spool-memory",
     .type = OPTION_SIZE,
     .commands = COMMAND_MIGRATE,
     .group = GROUP_SPOOL,
     .offset = AT(spool_memory_bytes),
     .min = KIB(256),
     .max = GIB(64),
     .standard = "8MiB",
     .placeholder = "SIZE",
     .help = "How much of it may wait in memory before files are written."},
    {.name = "spool-disk",
     .type = OPTION_SIZE,
     .commands = COMMAND_MIGRATE,
     .group = GROUP_SPOOL,
     .offset = AT(spool_disk_bytes),
     .min = KIB(1024),
     .max = TIB(1024),
     .zero = "no limit",
     .standard = "0",
     .placeholder = "SIZE",
     .help = "The most it may take on disk; 0: no limit. When it is reached the rest waits in the server's own log, "
             "which the server keeps until then."},

    {.name = "max-lag",
     .type = OPTION_DURATION,
     .commands = COMMAND_MIGRATE,
     .group = GROUP_CUTOVER,
     .offset = AT(max_lag_ms),
     .min = MS(10),
     .max = HOURS(1),
     .standard = "1s",
     .placeholder = "TIME",
     .help = "The cutover is tried only while the new table is less than this behind."},
    {.name = "lock-timeout",
     .type = OPTION_DURATION,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE,
     .group = GROUP_CUTOVER,
     .offset = AT(lock_timeout_ms),
     .min = MS(10),
     .max = SECONDS(60),
     .standard = "500ms",
     .placeholder = "TIME",
     .help = "How long one try of the cutover waits for the table's lock. Readers and writers that come meanwhile wait "
             "behind it, so keep it short."},
    {.name = "cutover-tries",
     .type = OPTION_INT,
     .commands = COMMAND_MIGRATE,
     .group = GROUP_CUTOVER,
     .offset = AT(cutover_tries),
     .min = 1,
     .max = 1000000,
     .zero = "no limit",
     .standard = "60",
     .placeholder = "N",
     .help = "How often to try before stopping with exit code 75; 0: no limit. The pauses in between grow, and the new "
             "table is kept in step all the time."},
    {.name = "old-snapshot-wait",
     .type = OPTION_DURATION,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE,
     .group = GROUP_CUTOVER,
     .offset = AT(old_snapshot_wait_ms),
     .min = MS(10),
     .max = HOURS(24),
     .zero = "no waiting",
     .standard = "1m",
     .placeholder = "TIME",
     .help =
         "How long the cutover waits for transactions whose snapshot is older than the new table's rows: they would "
         "not see rows there that they saw before."},
    {.name = "verify",
     .type = OPTION_BOOL,
     .commands = COMMAND_MIGRATE,
     .group = GROUP_CUTOVER,
     .offset = AT(verify),
     .standard = "true",
     .help = "Compare every row of the old and the new table before the cutover, on the server, while writers go on. "
             "--verify=no leaves it out."},
    {.name = "kill-blockers",
     .type = OPTION_DURATION,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE,
     .group = GROUP_CUTOVER,
     .offset = AT(kill_blockers_ms),
     .min = SECONDS(1),
     .max = HOURS(24),
     .zero = "nobody is ended",
     .bare = "10s",
     .standard = "0",
     .placeholder = "TIME",
     .help = "End the sessions that hold a lock which the cutover waits for, once tries have not got their locks for "
             "so long; without =TIME: 10s. What they were doing is rolled back. 0: they are named, and nobody is "
             "ended."},
    {.name = "drop-old",
     .type = OPTION_BOOL,
     .commands = COMMAND_PLAN | COMMAND_MIGRATE,
     .group = GROUP_CUTOVER,
     .offset = AT(drop_old),
     .standard = "false",
     .help = "Drop the old table once the new one is in place. Without it the old table is kept under a name that the "
             "summary tells."},

    {.name = "looks",
     .type = OPTION_INT,
     .commands = COMMAND_VERIFY,
     .group = GROUP_COMPARE,
     .offset = AT(looks),
     .min = 1,
     .max = 1000,
     .standard = "3",
     .placeholder = "N",
     .help =
         "A row that differs is looked at again so often. It counts as different when it stays as it is all the time, "
         "and as the same once it was so in both tables at one moment."},
    {.name = "recheck",
     .type = OPTION_DURATION,
     .commands = COMMAND_VERIFY,
     .group = GROUP_COMPARE,
     .offset = AT(recheck_ms),
     .min = MS(10),
     .max = HOURS(1),
     .standard = "1s",
     .placeholder = "TIME",
     .help = "How long to wait between two such looks: longer than whatever keeps the tables in step may lag."},

    {.name = "config",
     .letter = 'c',
     .type = OPTION_TEXT,
     .commands = COMMAND_SERVER,
     .group = GROUP_OUTPUT,
     .offset = AT(config),
     .placeholder = "FILE",
     .help =
         "Read options from FILE: lines of `key = value`, the key being the option's long name; lines that begin with "
         "# are comments."},
    {.name = "log-level",
     .type = OPTION_CHOICE,
     .commands = COMMAND_SERVER,
     .group = GROUP_OUTPUT,
     .offset = AT(log_level),
     .words = level_words,
     .standard = "info",
     .placeholder = "LEVEL",
     .help = "The least important lines to log: debug, info, warning or error. The log is on standard error."},
    {.name = "log-format",
     .type = OPTION_CHOICE,
     .commands = COMMAND_SERVER,
     .group = GROUP_OUTPUT,
     .offset = AT(log_format),
     .words = format_words,
     .standard = "text",
     .placeholder = "FORMAT",
     .help = "text, or json: one JSON object a line for the log and the progress, and one JSON document on standard "
             "output for the result."},
    {.name = "progress-interval",
     .type = OPTION_DURATION,
     .commands = COMMAND_MIGRATE | COMMAND_VERIFY,
     .group = GROUP_OUTPUT,
     .offset = AT(progress_interval_ms),
     .min = MS(100),
     .max = HOURS(24),
     .zero = "no progress at all",
     .standard = "10s",
     .placeholder = "TIME",
     .help =
         "How often to write a line of progress where there is no terminal to draw a bar on; 0: no progress at all."},
};
const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);
_Static_assert(sizeof(option_table) / sizeof(option_table[0]) <= OPTION_MAX, "make OPTION_MAX larger");
