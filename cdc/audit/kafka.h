/* What writing to Kafka and reading from it have in common: properties of librdkafka, and what brokers' answers mean.
 * Only for the files of this folder. */
#ifndef SC_CDC_AUDIT_KAFKA_H
#define SC_CDC_AUDIT_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/error.h"

/* SC_REFUSE: librdkafka knows no such property, or does not take its value, which is not shown: it may be a password.
 */
enum sc_result kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct sc_error *err);

/* The operator's, "name=value" each. The same list serves the writer and the reader: what decides for either whether
 * anything is lost or left out is refused for both. */
enum sc_result kafka_set_given(rd_kafka_conf_t *conf, const char *const *properties, size_t count,
                               struct sc_error *err);

/* Is it so that it will never be otherwise, unless somebody changes something? */
bool kafka_is_for_good(rd_kafka_resp_err_t error);

/* Fills err for a topic that cannot be used: SC_REFUSE or SC_RETRY. */
enum sc_result kafka_topic_failed(struct sc_error *err, rd_kafka_resp_err_t error, const char *topic);

/* How many partitions the topic has. SC_RETRY: no broker answered within timeout_ms; SC_REFUSE: there is no such topic,
 * or we may not know it. */
enum sc_result kafka_partitions(rd_kafka_t *client, const char *topic, int timeout_ms, int32_t *out,
                                struct sc_error *err);

#endif
