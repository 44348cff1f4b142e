#include "cdc/audit/kafka.h"

#include <string.h>

#include "base/mem.h"

/* What keeps messages from being lost, or from being read, is not up for discussion; all else may be set. */
static const char *const fixed[] = {
    /* writing */
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "enable.gapless.guarantee",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "delivery.report.only.error",
    "transactional.id",
    /* reading */
    "isolation.level",
    "enable.partition.eof",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "offset.store.method",
    "auto.offset.reset",
    "check.crcs",
    "group.id",
    "group.instance.id",
    "consume.callback.max.messages",
    /* both */
    "bootstrap.servers",
    "metadata.broker.list",
};

enum sc_result kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct sc_error *err)
{
    char text[300];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, text, sizeof(text));
    if (result == RD_KAFKA_CONF_OK)
        return SC_OK;
    /* librdkafka's text quotes the value, which may be a password. */
    return error_set(err, SC_REFUSE,
                     result == RD_KAFKA_CONF_UNKNOWN ? "librdkafka knows no property %.60s"
                                                     : "librdkafka does not take the value of %.60s",
                     name);
}

static bool is_fixed(const char *name)
{
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (strcmp(name, fixed[i]) == 0)
            return true;
    return false;
}

static enum sc_result set_one(rd_kafka_conf_t *conf, const char *property, struct sc_error *err)
{
    size_t len = strcspn(property, "=");
    char *name = mem_strndup(property, len);
    enum sc_result result;
    if (!property[len]) {
        result = error_set(err, SC_REFUSE, "a property of librdkafka is written name=value: %.60s", name);
    } else if (is_fixed(name)) {
        error_set(err, SC_REFUSE, "the property %.60s cannot be set", name);
        result = error_hint(err, "What keeps changes from being lost is set by seachange: acknowledgements of all "
                                 "replicas, an idempotent producer, no time limit for a message; and that a reader "
                                 "leaves nothing out.");
    } else {
        result = kafka_set(conf, name, property + len + 1, err);
    }
    mem_free(name);
    return result;
}

enum sc_result kafka_set_given(rd_kafka_conf_t *conf, const char *const *properties, size_t count, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < count && result == SC_OK; i++)
        result = set_one(conf, properties[i], err);
    return result;
}

bool kafka_is_for_good(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return true;
    default:
        return false;
    }
}

enum sc_result kafka_topic_failed(struct sc_error *err, rd_kafka_resp_err_t error, const char *topic)
{
    enum sc_result result = kafka_is_for_good(error) ? SC_REFUSE : SC_RETRY;
    return error_set(err, result, "topic %s: %s", topic, rd_kafka_err2str(error));
}

enum sc_result kafka_partitions(rd_kafka_t *client, const char *topic, int timeout_ms, int32_t *out,
                                struct sc_error *err)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    if (!handle)
        return kafka_topic_failed(err, rd_kafka_last_error(), topic);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle, &metadata, timeout_ms);
    if (!error && metadata->topic_cnt == 1)
        error = metadata->topics[0].err;
    if (!error && (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0))
        error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (!error)
        *out = metadata->topics[0].partition_cnt;
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return error ? kafka_topic_failed(err, error, topic) : SC_OK;
}
