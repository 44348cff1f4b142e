#include "cdc/audit/source.h"

#include <inttypes.h>

#include "cdc/audit/json.h"

void audit_source_head(struct buf *out, const char *connector, const struct audit_table *table,
                       const struct audit_origin *origin, const char *sequence)
{
    buf_str(out, "{\"version\":");
    audit_json_string(out, origin->version);
    buf_printf(out, ",\"connector\":\"%s\",\"name\":", connector);
    audit_json_string(out, table->prefix);
    buf_printf(out, ",\"ts_ms\":%" PRId64 ",\"snapshot\":\"%s\",\"db\":", origin->commit_us / 1000,
               origin->snapshot ? "true" : "false");
    audit_json_string(out, table->catalog);
    buf_printf(out, ",\"sequence\":%s,\"ts_us\":%" PRId64 ",\"ts_ns\":%" PRId64, sequence, origin->commit_us,
               origin->commit_us * 1000);
}
