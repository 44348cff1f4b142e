/* A Kafka that is not one: librdkafka's mock cluster in a process of its own, for tests that need a broker within a
 * moment and no Java. What it takes it keeps in memory, and consumers can read it. tests/kafka has the real one.
 *
 * usage: sc_kafka_mock TOPIC:PARTITIONS...
 *
 * Prints its brokers, host:port,..., and ends when its standard input does. Lines of that input:
 *   down | up       nobody answers; and again
 *   slow MS         each answer takes so long
 *   refuse N CODE   the next N requests to produce are answered with Kafka's error CODE (3 unknown topic, 10 too large)
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BROKER = 1, PRODUCE = 0 };

static int refuse(rd_kafka_mock_cluster_t *cluster, long count, long code)
{
    rd_kafka_resp_err_t errors[100];
    if (count < 1 || count > 100)
        return 1;
    for (long i = 0; i < count; i++)
        errors[i] = (rd_kafka_resp_err_t)code;
    rd_kafka_mock_push_request_errors_array(cluster, PRODUCE, (size_t)count, errors);
    return 0;
}

static int obey(rd_kafka_mock_cluster_t *cluster, char *line)
{
    char *save, *word = strtok_r(line, " \n", &save), *first = strtok_r(NULL, " \n", &save),
                *second = strtok_r(NULL, " \n", &save);
    if (!word)
        return 0;
    if (strcmp(word, "down") == 0)
        return rd_kafka_mock_broker_set_down(cluster, BROKER) != 0;
    if (strcmp(word, "up") == 0)
        return rd_kafka_mock_broker_set_up(cluster, BROKER) != 0;
    if (strcmp(word, "slow") == 0 && first)
        return rd_kafka_mock_broker_set_rtt(cluster, BROKER, (int)strtol(first, NULL, 10)) != 0;
    if (strcmp(word, "refuse") == 0 && second)
        return refuse(cluster, strtol(first, NULL, 10), strtol(second, NULL, 10));
    return 1;
}

int main(int argc, char **argv)
{
    char text[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    rd_kafka_mock_cluster_t *cluster = owner ? rd_kafka_mock_cluster_new(owner, 1) : NULL;
    if (!cluster) {
        fprintf(stderr, "the mock cluster cannot be made\n");
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        char *colon = strrchr(argv[i], ':');
        if (!colon) {
            fprintf(stderr, "not TOPIC:PARTITIONS: %s\n", argv[i]);
            return 2;
        }
        *colon = 0;
        if (rd_kafka_mock_topic_create(cluster, argv[i], (int)strtol(colon + 1, NULL, 10), 1)) {
            fprintf(stderr, "topic %s cannot be made\n", argv[i]);
            return 1;
        }
    }
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    char line[200];
    int status = 0;
    while (status == 0 && fgets(line, sizeof(line), stdin))
        status = obey(cluster, line);
    if (status)
        fprintf(stderr, "not understood, or not done\n");
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return status;
}
