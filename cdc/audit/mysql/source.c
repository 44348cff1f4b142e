/* Facts: Debezium's io.debezium.connector.binlog.BinlogSourceInfoStructMaker. `file` and `pos` are the transaction's.
 */
#include <inttypes.h>
#include <string.h>

#include "cdc/audit/json.h"
#include "cdc/audit/mysql/types.h"
#include "cdc/audit/source.h"

/* "binlog.000007:4711 <GTIDs>": the file's name; *pos points behind the colon. */
static size_t file_of(const struct position *at, const char **pos)
{
    size_t len = strcspn(at->text, ": ");
    *pos = at->text[len] == ':' ? at->text + len + 1 : "0";
    return len;
}

static void write_block(struct buf *out, const char *connector, const struct audit_table *table,
                        const struct audit_origin *origin)
{
    const char *pos;
    size_t file = file_of(origin->at, &pos);
    audit_source_head(out, connector, table, origin, "null");
    buf_str(out, ",\"table\":");
    audit_json_string(out, table->name);
    buf_printf(out, ",\"server_id\":%" PRIu64 ",\"gtid\":null,\"file\":", origin->server_id);
    audit_json_text(out, origin->at->text, file);
    buf_printf(out, ",\"pos\":%.*s,\"row\":%" PRIu64 ",\"thread\":null,\"query\":null}", (int)strspn(pos, "0123456789"),
               pos, origin->order ? origin->order - 1 : 0);
}

static void write_mysql(struct buf *out, const struct audit_table *table, const struct audit_origin *origin)
{
    write_block(out, "mysql", table, origin);
}

static void write_mariadb(struct buf *out, const struct audit_table *table, const struct audit_origin *origin)
{
    write_block(out, "mariadb", table, origin);
}

static void write_transaction(struct buf *out, const struct audit_origin *origin)
{
    const char *pos;
    size_t file = file_of(origin->at, &pos);
    buf_printf(out, "file=%.*s,pos=%.*s", (int)file, origin->at->text, (int)strspn(pos, "0123456789"), pos);
}

#define FIELDS                                                                                                         \
    AUDIT_SOURCE_HEAD "{\"type\":\"string\",\"optional\":true,\"field\":\"table\"},"                                   \
                      "{\"type\":\"int64\",\"optional\":false,\"field\":\"server_id\"},"                               \
                      "{\"type\":\"string\",\"optional\":true,\"field\":\"gtid\"},"                                    \
                      "{\"type\":\"string\",\"optional\":false,\"field\":\"file\"},"                                   \
                      "{\"type\":\"int64\",\"optional\":false,\"field\":\"pos\"},"                                     \
                      "{\"type\":\"int32\",\"optional\":false,\"field\":\"row\"},"                                     \
                      "{\"type\":\"int64\",\"optional\":true,\"field\":\"thread\"},"                                   \
                      "{\"type\":\"string\",\"optional\":true,\"field\":\"query\"}"

const struct audit_engine mysql_audit_engine = {
    .source = {.schema_name = "io.debezium.connector.mysql.Source", .schema = FIELDS},
    .write_source = write_mysql,
    .write_transaction = write_transaction,
    .told = my_audit_told,
};
const struct audit_engine mariadb_audit_engine = {
    .source = {.schema_name = "io.debezium.connector.mariadb.Source", .schema = FIELDS},
    .write_source = write_mariadb,
    .write_transaction = write_transaction,
    .told = my_audit_told,
};
