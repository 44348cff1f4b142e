/* Facts: Debezium's io.debezium.connector.postgresql.SourceInfo. `lsn` is the transaction's: its commit record's place.
 */
#include <inttypes.h>

#include "cdc/audit/json.h"
#include "cdc/audit/source.h"

static void write_source(struct buf *out, const struct audit_table *table, const struct audit_origin *origin)
{
    struct buf sequence = {0}, quoted = {0};
    buf_printf(&sequence, "[null,\"%" PRIu64 "\"]", origin->at->order);
    audit_json_string(&quoted, buf_cstr(&sequence));
    audit_source_head(out, "postgresql", table, origin, buf_cstr(&quoted));
    buf_fini(&sequence);
    buf_fini(&quoted);
    buf_str(out, ",\"schema\":");
    audit_json_string(out, table->schema);
    buf_str(out, ",\"table\":");
    audit_json_string(out, table->name);
    if (origin->xid)
        buf_printf(out, ",\"txId\":%" PRIu64, origin->xid);
    else
        buf_str(out, ",\"txId\":null");
    buf_printf(out, ",\"lsn\":%" PRIu64 ",\"xmin\":null}", origin->at->order);
}

static void write_transaction(struct buf *out, const struct audit_origin *origin)
{
    buf_printf(out, "%" PRIu64 ":%" PRIu64, origin->xid, origin->at->order);
}

const struct audit_engine pg_audit_engine = {
    .source = {.schema_name = "io.debezium.connector.postgresql.Source",
               .schema = AUDIT_SOURCE_HEAD "{\"type\":\"string\",\"optional\":false,\"field\":\"schema\"},"
                                           "{\"type\":\"string\",\"optional\":false,\"field\":\"table\"},"
                                           "{\"type\":\"int64\",\"optional\":true,\"field\":\"txId\"},"
                                           "{\"type\":\"int64\",\"optional\":true,\"field\":\"lsn\"},"
                                           "{\"type\":\"int64\",\"optional\":true,\"field\":\"xmin\"}"},
    .write_source = write_source,
    .write_transaction = write_transaction,
};
