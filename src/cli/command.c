#include "cli/command.h"

#include <string.h>

#include "cli/values.h"

const struct command command_table[] = {
    {.id = COMMAND_PLAN,
     .name = "plan",
     .summary = "say what would be done, and every reason not to; change nothing",
     .usage = "plan --source URL --table NAME --alter ACTIONS [options]",
     .description =
         "Shows how the change would be made: the strategy, every statement, which locks are taken and for how long at "
         "most, the room it needs, what happens to everything that depends on the table, and all reasons to refuse at "
         "once. Nothing is changed: what has to be tried is tried in a transaction that is rolled back, or on an empty "
         "table that is dropped again (MySQL, MariaDB).\n\n"
         "With --log-format json the plan is one JSON document.",
     .examples = "  seachange plan -s postgresql://app@db1/shop -t shop.orders \\\n"
                 "      -a \"ADD COLUMN region text NOT NULL DEFAULT 'eu'\"\n"
                 "  seachange plan -s mysql://app@db1/shop -t orders -a 'MODIFY n bigint'\n"},
    {.id = COMMAND_MIGRATE,
     .name = "migrate",
     .summary = "change a table while it is being read and written",
     .usage = "migrate --source URL --table NAME --alter ACTIONS [options]",
     .description =
         "Makes a new table with the new schema, copies the rows, keeps the new table in step by the server's own "
         "replication log, and puts it into the place of the old one while writers wait for a moment. Until then the "
         "source table is only read.\n\n"
         "It may be killed at any moment: the same command goes on where it was. A first Ctrl-C (or SIGTERM) stops it "
         "cleanly, with exit code 75, a second one at once; `seachange abort` removes what it has made.",
     .examples = "  export SEACHANGE_SOURCE=postgresql://app@db1/shop\n"
                 "  seachange migrate -t shop.orders -a 'ALTER COLUMN id TYPE bigint'\n"
                 "  seachange migrate -t shop.orders \\\n"
                 "      -a 'DROP COLUMN note, ADD COLUMN region text' --workers 4 --drop-old\n"
                 "  seachange migrate --config orders.conf --log-format json\n"},
    {.id = COMMAND_VERIFY,
     .name = "verify",
     .summary = "compare every row of two tables; write nothing",
     .usage = "verify --source URL --table NAME --with NAME [options]\n"
              "verify --source URL --table NAME [options]",
     .description =
         "Compares two tables of the server as a migration does before its cutover: every row, every column that both "
         "have, byte for byte, in the server. Without --with it compares a table with the old one that a migration has "
         "put aside; what was changed since the swap counts as different then.\n\n"
         "An account that may read both tables is enough, and nothing is written (MySQL, MariaDB: where types differ, "
         "a "
         "temporary table). Writers may go on: what differs is looked at again, --looks times. Keys of rows that "
         "differ are shown, never values.\n\n"
         "Exit status 0: all rows are the same. 4: some are not. 3: they cannot be compared. 75: not all of them were.",
     .examples = "  seachange verify -s postgresql://app@db1/shop -t shop.orders --with a.orders\n"
                 "  seachange verify -s mysql://app@db1/shop -t orders --with b.orders \\\n"
                 "      --map total=amount\n"
                 "  seachange verify -s postgresql://app@db1/shop -t shop.orders\n"},
    {.id = COMMAND_AUDIT,
     .name = "audit",
     .summary = "send every row change of tables to Kafka, until it is stopped",
     .usage = "audit -s URL -t NAME[,NAME...] --audit-kafka BROKERS [options]",
     .description =
         "Reads the server's replication log and sends each change of the tables' rows to Kafka as Debezium would, a "
         "topic for each table, from now on. Where it stands is kept in the database: after a crash, a restart or a "
         "Ctrl-C the same command goes on there, loses nothing, and repeats only what consumers can tell by stream and "
         "sequence number. With --audit-snapshot it sends the rows that are there first.\n\n"
         "A stream has a name (--audit-stream) and goes on with the tables and rules it was begun with. It keeps the "
         "server from removing its log (PostgreSQL: a replication slot) until Kafka has it; when it is not needed any "
         "more, `seachange audit remove` removes it. Exit status 0: it was stopped by a signal. 3: it cannot go on as "
         "it was begun. 4: a change "
         "cannot be written. 75: no server or no Kafka for --give-up, start it again.",
     .examples = "  seachange audit -s postgresql://app@db1/shop -t shop.orders,shop.items \\\n"
                 "      --audit-kafka k1:9092 --audit-columns '*=plain'\n"},
    {.id = COMMAND_AUDIT_CHECK,
     .name = "audit check",
     .summary = "prove that an audit in Kafka is whole; write nothing",
     .usage = "audit check --audit-kafka BROKERS --audit-topic NAME [options]\n"
              "audit check --audit-kafka BROKERS -s URL -t NAME [options]",
     .description =
         "Reads a topic that `seachange audit` or `seachange migrate --audit-kafka` has written, from its beginning to "
         "its end, and proves "
         "from the numbers and hashes of its messages that none was taken out, put in, moved or changed. The first "
         "place where something is wrong is named: partition, offset, and what it is.\n\n"
         "With --source and --table every row of the table is compared with what the last message of its key says. "
         "Rows that the audit never mentions, because nobody changed them while it ran, are not compared, and counted. "
         "Rows that differ are named by their last message, never by their values. Give the --audit-columns, "
         "--audit-key-file and --audit-decimals of the migration. After a migration the table to compare with is the "
         "old one that was put aside, or the new one where its columns are the same and nobody has written since.\n\n"
         "The topic is read by an account that may describe and read it; there is no consumer group. "
         "Exit status 0: the trail is whole, and what the table is. 4: it is not. 3: it cannot be checked. 75: it was "
         "not, this time.",
     .examples = "  seachange audit check --audit-kafka k1:9092 --audit-topic sc.shop.orders\n"
                 "  seachange audit check --audit-kafka k1:9092 --audit-topic sc.shop.orders \\\n"
                 "      --audit-stream 7f3a91c2 --audit-messages 48211 \\\n"
                 "      -s postgresql://app@db1/shop -t seachange_old_7f3a91c2.orders \\\n"
                 "      --audit-columns '*=plain'\n"},
    {.id = COMMAND_AUDIT_REMOVE,
     .name = "audit remove",
     .summary = "remove what the server keeps for a stream",
     .usage = "audit remove --source URL [--audit-stream NAME] [options]",
     .description =
         "Removes what `seachange audit` keeps on the server for a stream: its place in the log (PostgreSQL: "
         "slot and publication) and where it stands. Changes that are not in Kafka yet never will be: "
         "stop the stream when nobody writes, if they matter. Refused while it runs.",
     .examples = "  seachange audit remove -s postgresql://app@db1/shop --audit-stream orders\n"},
    {.id = COMMAND_LIST,
     .name = "list",
     .summary = "show the migrations and streams in a database, and what is left",
     .usage = "list --source URL [options]",
     .description =
         "Shows each migration that is stored in the database (MySQL, MariaDB: in all databases that the account may "
         "see): where it stands, who runs it, and what of it "
         "exists on the server. Objects of ours that no stored migration explains are shown too, and the streams of "
         "`seachange audit`.",
     .examples = "  seachange list -s postgresql://app@db1/shop\n"
                 "  seachange list --log-format json | jq -r '.migrations[].id'\n"},
    {.id = COMMAND_ABORT,
     .name = "abort",
     .summary = "give up and remove what was made; the source table stays",
     .usage = "abort --source URL ID [options]\n"
              "abort --source URL --table NAME [options]",
     .description =
         "Removes the new table and whatever else belongs to the migration, the replication slot, say. The source "
         "table "
         "stays as it is. Refused while the migration is running: stop it first. What is already gone is fine, so "
         "it may be repeated.",
     .examples = "  seachange abort -s postgresql://app@db1/shop 7f3a91c2\n"
                 "  seachange abort -s postgresql://app@db1/shop --table shop.orders\n",
     .argument = "ID"},
    {.id = COMMAND_HELP,
     .name = "help",
     .summary = "show this, or the help of one command",
     .usage = "help [COMMAND]",
     .description = "The same as `seachange COMMAND --help`.",
     .examples = "  seachange help migrate\n",
     .argument = "COMMAND"},
    {.id = COMMAND_VERSION,
     .name = "version",
     .summary = "show the version, and those of the libraries it uses",
     .usage = "version",
     .description = "Please put its output into a report of a problem.",
     .examples = "  seachange version\n"},
};
const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

const struct command *command_by_id(enum command_id id)
{
    for (size_t i = 0; i < command_count; i++)
        if (command_table[i].id == id)
            return &command_table[i];
    return NULL;
}

const char *command_nearest(const char *typed)
{
    const char *names[sizeof(command_table) / sizeof(command_table[0])];
    for (size_t i = 0; i < command_count; i++)
        names[i] = command_table[i].name;
    return nearest_word(typed, names, command_count);
}
