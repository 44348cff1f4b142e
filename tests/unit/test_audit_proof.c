/* A topic that is read back: what was sent is proven, and whatever was done to it is found, at its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/proof.h"

enum { PARTITIONS = 3, MESSAGES = 60, REMEMBER = 100 };

struct sent {
    uint64_t number;
    int32_t partition;
    char key[16], value[32], sequence[24], hash[AUDIT_HASH_TEXT];
    bool tombstone;
};

/* A topic of 60 messages, as a stream makes it, and the heads of its partitions. */
static struct sent topic[MESSAGES];
static struct audit_hash heads[PARTITIONS], heads_at_40[PARTITIONS];

static int make_topic(void **state)
{
    (void)state;
    for (int i = 0; i < MESSAGES; i++) {
        struct sent *s = &topic[i];
        s->number = (uint64_t)i + 1;
        s->partition = (i * 7 / 3) % PARTITIONS;
        s->tombstone = i % 9 == 8;
        snprintf(s->key, sizeof(s->key), "{\"id\":%d}", i % 5);
        snprintf(s->value, sizeof(s->value), "{\"n\":%d}", i);
        snprintf(s->sequence, sizeof(s->sequence), "%d", i + 1);
        audit_chain(&heads[s->partition], s->number, s->key, strlen(s->key), s->tombstone ? NULL : s->value,
                    strlen(s->value));
        audit_hash_format(&heads[s->partition], s->hash);
        if (i == 39)
            memcpy(heads_at_40, heads, sizeof(heads));
    }
    return 0;
}

static struct audit_received received(const struct sent *s)
{
    return (struct audit_received){.partition = s->partition,
                                   .offset = (int64_t)s->number + 1000,
                                   .stream = "mine",
                                   .stream_len = 4,
                                   .sequence = s->sequence,
                                   .sequence_len = strlen(s->sequence),
                                   .hash = s->hash,
                                   .hash_len = strlen(s->hash),
                                   .key = s->key,
                                   .key_len = strlen(s->key),
                                   .value = s->tombstone ? NULL : s->value,
                                   .value_len = s->tombstone ? 0 : strlen(s->value)};
}

static void take(struct audit_proof *p, int from, int to, enum audit_verdict want)
{
    for (int i = from; i <= to; i++) {
        struct audit_received m = received(&topic[i - 1]);
        enum audit_verdict verdict;
        struct sc_error err;
        if (audit_proof_take(p, &m, &verdict, &err) != SC_OK)
            fail_msg("message %d: %s", i, err.what);
        assert_int_equal(verdict, want);
    }
}

static struct audit_proof *proof(const struct audit_hash *kept, uint64_t sequence)
{
    struct audit_state state = {.sequence = sequence, .partitions = PARTITIONS};
    state.heads = (struct audit_hash *)(uintptr_t)kept;
    return audit_proof_new("mine", PARTITIONS, kept ? &state : NULL, REMEMBER);
}

static void ends(struct audit_proof *p, const char *what)
{
    struct audit_proven proven;
    struct sc_error err;
    error_init(&err);
    enum sc_result result = audit_proof_end(p, &proven, &err);
    if (what)
        assert_true(result == SC_FAIL && strstr(err.what, what));
    else
        assert_int_equal(result, SC_OK);
    audit_proof_free(p);
}

static void a_whole_topic_is_proven(void **state)
{
    (void)state;
    struct audit_proof *p = proof(NULL, 0);
    take(p, 1, MESSAGES, AUDIT_NEW);
    struct audit_proven proven;
    struct sc_error err;
    assert_int_equal(audit_proof_end(p, &proven, &err), SC_OK);
    assert_int_equal(proven.messages, MESSAGES);
    assert_int_equal(proven.last, MESSAGES);
    assert_int_equal(proven.repeats, 0);
    ends(p, NULL);
    p = proof(heads, MESSAGES);
    take(p, 1, MESSAGES, AUDIT_NEW);
    ends(p, NULL);
    p = proof(heads_at_40, 40); /* more may have been sent since then */
    take(p, 1, MESSAGES, AUDIT_NEW);
    ends(p, NULL);
}

static void repetitions_of_the_same_are_passed_over(void **state)
{
    (void)state;
    struct audit_proof *p = proof(heads_at_40, 40);
    take(p, 1, 45, AUDIT_NEW);
    take(p, 41, 45, AUDIT_REPEAT); /* killed behind 45, with 40 kept */
    take(p, 41, 43, AUDIT_REPEAT); /* and again, behind 43 */
    take(p, 41, 45, AUDIT_REPEAT);
    take(p, 46, MESSAGES, AUDIT_NEW);
    take(p, 1, MESSAGES, AUDIT_REPEAT);
    ends(p, NULL);
}

static void messages_of_others_do_not_count(void **state)
{
    (void)state;
    struct audit_proof *p = proof(NULL, 0);
    struct audit_received other = {.partition = 1, .key = "k", .key_len = 1};
    enum audit_verdict verdict;
    struct sc_error err;
    take(p, 1, 30, AUDIT_NEW);
    assert_int_equal(audit_proof_take(p, &other, &verdict, &err), SC_OK);
    assert_int_equal(verdict, AUDIT_OTHER);
    other = received(&topic[29]);
    other.stream = "another";
    other.stream_len = 7;
    assert_int_equal(audit_proof_take(p, &other, &verdict, &err), SC_OK);
    assert_int_equal(verdict, AUDIT_OTHER);
    take(p, 31, MESSAGES, AUDIT_NEW);
    ends(p, NULL);
}

/* The message behind the first 30 is not as it was. */
static void found(struct audit_received m, const char *what)
{
    struct audit_proof *p = proof(NULL, 0);
    enum audit_verdict verdict;
    struct sc_error err;
    char place[80];
    take(p, 1, 30, AUDIT_NEW);
    assert_int_equal(audit_proof_take(p, &m, &verdict, &err), SC_FAIL);
    snprintf(place, sizeof(place), "partition %d, offset %d: ", (int)m.partition, (int)m.offset);
    if (!strstr(err.what, place) || !strstr(err.what, what))
        fail_msg("%s", err.what);
    audit_proof_free(p);
}

static void whatever_was_done_to_a_topic_is_found_where_it_was_done(void **state)
{
    (void)state;
    struct audit_received m = received(&topic[30]);
    m.value = "{\"n\":99}";
    m.value_len = 8;
    found(m, "does not follow");
    m = received(&topic[30]);
    m.key = "{\"id\":9}";
    found(m, "does not follow");
    m = received(&topic[30]);
    m.value = NULL;
    m.value_len = 0;
    found(m, "does not follow");
    m = received(&topic[30]);
    m.sequence = "32";
    found(m, "does not follow");
    m = received(&topic[30]);
    m.hash = topic[31].hash;
    found(m, "does not follow");
    m = received(&topic[30]);
    m.partition = (m.partition + 1) % PARTITIONS;
    found(m, "does not follow");
    m.partition = PARTITIONS;
    found(m, "fewer partitions");
    /* One was taken out: the next of its partition has nothing to follow. */
    for (int i = 31; i < MESSAGES; i++)
        if (topic[i].partition == topic[30].partition) {
            found(received(&topic[i]), "does not follow");
            break;
        }
    m = received(&topic[30]);
    m.hash = NULL;
    found(m, "lacks");
    m = received(&topic[30]);
    m.hash_len--;
    found(m, "lacks");
    m = received(&topic[30]);
    m.sequence = "3x";
    found(m, "lacks");
    m.sequence = "0";
    m.sequence_len = 1;
    found(m, "lacks");
    /* Repetitions. */
    m = received(&topic[20]);
    m.value = "{\"n\":99}";
    m.value_len = 8;
    found(m, "another one than before");
    m = received(&topic[20]);
    m.hash = topic[10].hash;
    found(m, "another one than before");
    for (int i = 0; i < 29; i++)
        if (topic[i].partition != topic[20].partition && topic[i].number > 3) {
            m = received(&topic[i]);
            m.partition = topic[20].partition;
            found(m, "passed over before");
            break;
        }
}

static void an_end_that_was_cut_off_is_found(void **state)
{
    (void)state;
    struct audit_proof *p = proof(heads, MESSAGES);
    take(p, 1, MESSAGES - 1, AUDIT_NEW);
    ends(p, "lacks messages that were acknowledged");
    p = proof(heads_at_40, 40);
    take(p, 1, 39, AUDIT_NEW);
    ends(p, "lacks messages that were acknowledged");
    /* One partition's last message, with nothing kept to compare with. */
    int last = MESSAGES - 1;
    while (topic[last].partition == topic[MESSAGES - 1].partition)
        last--;
    p = proof(NULL, 0);
    for (int i = 1; i <= MESSAGES; i++)
        if (i - 1 != last)
            take(p, i, i, AUDIT_NEW);
    ends(p, "of 60 messages 59 are there");
}

static struct audit_proof *forgetful(int taken)
{
    struct audit_proof *p = audit_proof_new("mine", PARTITIONS, NULL, 2);
    take(p, 1, taken, AUDIT_NEW);
    return p;
}

static void a_long_repetition_is_proven_when_it_comes_back(void **state)
{
    (void)state;
    for (int from = 1; from <= 50; from++) {
        struct audit_proof *p = forgetful(50);
        take(p, from, 50, AUDIT_REPEAT);
        take(p, 51, MESSAGES, AUDIT_NEW);
        take(p, from, MESSAGES, AUDIT_REPEAT);
        ends(p, NULL);
    }
    /* Killed again and again within it, at any place. */
    for (int stop = 1; stop <= 50; stop++) {
        struct audit_proof *p = forgetful(50);
        take(p, 3, 10, AUDIT_REPEAT);
        take(p, 2, stop, AUDIT_REPEAT);
        take(p, 1, stop / 2, AUDIT_REPEAT);
        take(p, 1, 50, AUDIT_REPEAT);
        take(p, 51, MESSAGES, AUDIT_NEW);
        ends(p, NULL);
    }
}

static void a_long_repetition_that_ends_early_is_no_proof(void **state)
{
    (void)state;
    struct audit_proof *p = forgetful(50);
    struct audit_proven proven;
    struct sc_error err;
    take(p, 1, 20, AUDIT_REPEAT);
    assert_int_equal(audit_proof_end(p, &proven, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "long repetition"));
    audit_proof_free(p);
}

/* Message `at` of a repetition that began with the first one is not what it was: it is found there, or where the
 * repetition comes to what is remembered. */
static void not_repeated(int at, const struct audit_received *m, bool at_once)
{
    struct audit_proof *p = forgetful(50);
    enum audit_verdict verdict;
    struct sc_error err;
    enum sc_result result;
    take(p, 1, at - 1, AUDIT_REPEAT);
    result = audit_proof_take(p, m, &verdict, &err);
    assert_true(!at_once || result == SC_FAIL);
    for (int i = at + 1; i <= 50 && result == SC_OK; i++) {
        struct audit_received next = received(&topic[i - 1]);
        result = audit_proof_take(p, &next, &verdict, &err);
    }
    assert_int_equal(result, SC_FAIL);
    audit_proof_free(p);
}

static void whatever_was_done_to_a_long_repetition_is_found(void **state)
{
    (void)state;
    char hash[AUDIT_HASH_TEXT];
    for (int at = 7; at <= 40; at++) {
        struct sent *s = &topic[at - 1];
        struct audit_received m = received(s);
        m.value = "{\"n\":999}";
        m.value_len = 9;
        not_repeated(at, &m, true);
        /* With a hash that fits what is before it, the ones behind it do not. */
        struct audit_hash head = {0};
        for (int i = at - 1; i >= 1; i--)
            if (topic[i - 1].partition == s->partition) {
                assert_true(audit_hash_parse(topic[i - 1].hash, strlen(topic[i - 1].hash), &head));
                break;
            }
        audit_chain(&head, s->number, s->key, strlen(s->key), m.value, m.value_len);
        audit_hash_format(&head, hash);
        m.hash = hash;
        m.hash_len = strlen(hash);
        not_repeated(at, &m, false);
        m = received(s);
        m.hash = topic[at == 7 ? 8 : 6].hash;
        not_repeated(at, &m, true);
        m = received(s);
        m.partition = (m.partition + 1) % PARTITIONS;
        not_repeated(at, &m, true);
    }
    /* One that is left out, and a new one in the middle. */
    struct audit_proof *p = forgetful(50);
    enum audit_verdict verdict;
    struct sc_error err;
    enum sc_result result = SC_OK;
    take(p, 1, 19, AUDIT_REPEAT);
    for (int i = 21; i <= 50 && result == SC_OK; i++) {
        struct audit_received m = received(&topic[i - 1]);
        result = audit_proof_take(p, &m, &verdict, &err);
    }
    assert_int_equal(result, SC_FAIL);
    audit_proof_free(p);
    p = forgetful(50);
    take(p, 1, 20, AUDIT_REPEAT);
    result = SC_OK;
    for (int i = 51; i <= MESSAGES && result == SC_OK; i++) {
        struct audit_received m = received(&topic[i - 1]);
        result = audit_proof_take(p, &m, &verdict, &err);
    }
    assert_int_equal(result, SC_FAIL);
    assert_non_null(strstr(err.what, "middle of a repetition"));
    audit_proof_free(p);
    /* One repetition tells another hash than the next. */
    p = forgetful(50);
    struct audit_received m = received(&topic[19]);
    m.hash = topic[3].hash;
    assert_int_equal(audit_proof_take(p, &m, &verdict, &err), SC_OK);
    result = SC_OK;
    for (int i = 1; i <= 50 && result == SC_OK; i++) {
        m = received(&topic[i - 1]);
        result = audit_proof_take(p, &m, &verdict, &err);
    }
    assert_int_equal(result, SC_FAIL);
    audit_proof_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_topic_is_proven),
        cmocka_unit_test(repetitions_of_the_same_are_passed_over),
        cmocka_unit_test(messages_of_others_do_not_count),
        cmocka_unit_test(whatever_was_done_to_a_topic_is_found_where_it_was_done),
        cmocka_unit_test(an_end_that_was_cut_off_is_found),
        cmocka_unit_test(a_long_repetition_is_proven_when_it_comes_back),
        cmocka_unit_test(a_long_repetition_that_ends_early_is_no_proof),
        cmocka_unit_test(whatever_was_done_to_a_long_repetition_is_found),
    };
    return cmocka_run_group_tests(tests, make_topic, NULL);
}
