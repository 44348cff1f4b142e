#include "cdc/audit/transaction.h"

#include <stdbool.h>

#include "base/clock.h"
#include "base/log.h"

/* What cannot be interrupted: together they must leave room within the 30 seconds that Kubernetes gives by default. */
enum { TURN_MS = 500, COMMIT_MS = 10000, ABORT_MS = 10000 };

static bool told_to_stop(const atomic_bool *stop)
{
    return stop && atomic_load(stop);
}

static enum sc_result nothing_lost(struct sc_error *err)
{
    return error_hint(err, "Nothing is lost: everything behind the last transaction that was committed is sent again.");
}

/* Takes the error over. */
static enum sc_result failed(rd_kafka_error_t *error, const char *what, struct sc_error *err)
{
    switch (rd_kafka_error_code(error)) {
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
        error_set(err, SC_REFUSE, "%s: %s", what, rd_kafka_error_string(error));
        error_hint(err, "The account needs WRITE and DESCRIBE on the transactional id, which is seachange-ID, and "
                        "transaction.timeout.ms (-X) may not be longer than the brokers' transaction.max.timeout.ms.");
        break;
    default:
        error_set(err, SC_RETRY, "%s: %s", what, rd_kafka_error_string(error));
        nothing_lost(err);
    }
    rd_kafka_error_destroy(error);
    return err->result;
}

/* A call that has timed out is never made again on the same producer, though librdkafka offers to go on with it: before
 * 2.1 (pull request 4054) the next call may then get the answer that was meant for the earlier one, and take a
 * transaction for committed that is not. */
enum sc_result transaction_init(rd_kafka_t *producer, int timeout_ms, const atomic_bool *stop, struct sc_error *err)
{
    rd_kafka_error_t *error = rd_kafka_init_transactions(producer, timeout_ms);
    if (!error)
        return SC_OK;
    if (told_to_stop(stop)) {
        rd_kafka_error_destroy(error);
        return error_set(err, SC_STOP, "stopped before Kafka's transactions were there");
    }
    return failed(error, "Kafka's transactions cannot be begun", err);
}

enum sc_result transaction_begin(rd_kafka_t *producer, struct sc_error *err)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(producer);
    return error ? failed(error, "a transaction of Kafka cannot be begun", err) : SC_OK;
}

static void give_up(rd_kafka_t *producer)
{
    rd_kafka_error_t *error = rd_kafka_abort_transaction(producer, ABORT_MS);
    if (!error)
        return;
    log_debug("kafka: %s", rd_kafka_error_string(error)); /* the next one of this id ends it */
    rd_kafka_error_destroy(error);
}

enum sc_result transaction_commit(rd_kafka_t *producer, const atomic_bool *stop, struct sc_error *err)
{
    while (rd_kafka_flush(producer, TURN_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        if (told_to_stop(stop))
            return error_set(err, SC_STOP, "stopped while a transaction of Kafka was being committed");
    rd_kafka_error_t *error = rd_kafka_commit_transaction(producer, COMMIT_MS);
    if (!error)
        return SC_OK;
    if (rd_kafka_error_txn_requires_abort(error))
        give_up(producer);
    return failed(error, "a transaction of Kafka was not committed", err);
}
