#include "cdc/audit/heartbeat.h"

#include <inttypes.h>

#include "cdc/audit/json.h"

static const char key_schema[] =
    "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"serverName\"}],"
    "\"optional\":false,\"name\":\"io.debezium.connector.common.ServerNameKey\"},\"payload\":";
static const char value_schema[] =
    "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int64\",\"optional\":false,\"field\":\"ts_ms\"}],"
    "\"optional\":false,\"name\":\"io.debezium.connector.common.Heartbeat\"},\"payload\":";

void audit_heartbeat_topic(struct buf *out, const struct audit_heartbeat *h)
{
    buf_printf(out, "__debezium-heartbeat.%s", h->prefix);
}

enum sc_result audit_heartbeat_send(const struct audit_heartbeat *h, struct audit_sink *sink, int64_t wall_us,
                                    struct sc_error *err)
{
    struct buf topic = {0}, key = {0}, value = {0};
    audit_heartbeat_topic(&topic, h);
    buf_str(&key, h->with_schema ? key_schema : "");
    buf_str(&key, "{\"serverName\":");
    audit_json_string(&key, h->prefix);
    buf_str(&key, h->with_schema ? "}}" : "}");
    buf_str(&value, h->with_schema ? value_schema : "");
    buf_printf(&value, "{\"ts_ms\":%" PRId64 "%s", wall_us / 1000, h->with_schema ? "}}" : "}");
    enum sc_result result = audit_sink_send_beside(sink, buf_cstr(&topic), buf_cstr(&key), buf_cstr(&value), err);
    buf_fini(&topic);
    buf_fini(&key);
    buf_fini(&value);
    return result;
}
