/* GTID sets of MySQL, positions of MariaDB's domains, and places in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/mysql/gtid.h"
#include "cdc/mysql/position.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct my_gtid_set set_of(const char *text)
{
    struct my_gtid_set set = {0};
    struct sc_error err;
    assert_int_equal(my_gtid_set_parse(&set, text, &err), SC_OK);
    return set;
}

static void check_printed(const struct my_gtid_set *set, const char *wanted)
{
    struct buf b = {0};
    my_gtid_set_print(set, &b);
    assert_string_equal(buf_cstr(&b), wanted);
    buf_fini(&b);
}

static struct my_gtid gtid_of(const char *source, uint64_t number)
{
    struct my_gtid_set set = set_of(source);
    struct my_gtid gtid = {.number = number};
    memcpy(gtid.uuid, set.sources[0].uuid, sizeof(gtid.uuid));
    memcpy(gtid.tag, set.sources[0].tag, sizeof(gtid.tag));
    my_gtid_set_fini(&set);
    return gtid;
}

static void sets_are_printed_as_the_server_does(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {" ,\n", ""},
        {A ":1", A ":1"},
        {A ":1-1", A ":1"},
        {A ":5-7:1-3:4", A ":1-7"},
        {A ":5:1:3", A ":1:3:5"},
        {"3E11FA47-71CA-11E1-9E33-C80AA9429562 : 1 - 3", A ":1-3"},
        {B ":1,\n" A ":2-3," B ":3", A ":2-3," B ":1:3"},
        {A ":1-3:Tag_1:1-2:4:zulu:9", A ":1-3:tag_1:1-2:4:zulu:9"},
        {A ":zulu:9," A ":alpha:1," A ":7", A ":7:alpha:1:zulu:9"},
        {A ":5-4", ""},
        {A ":1-9223372036854775806", A ":1-9223372036854775806"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct my_gtid_set set = set_of(cases[i][0]);
        check_printed(&set, cases[i][1]);
        my_gtid_set_fini(&set);
    }
}

static void text_that_is_no_set_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"x",
                                        A,
                                        A ":",
                                        A ":0",
                                        A ":1-",
                                        A ":-1",
                                        A ":1 2",
                                        A ":1x",
                                        A ":tag",
                                        A ":1:tag:",
                                        "3e11fa47-71ca-11e1-9e33:1",
                                        A ":9223372036854775807",
                                        A ":1;" B ":1",
                                        A ":a123456789012345678901234567890123:1",
                                        "3e11fa4771ca11e19e33c80aa9429562:1"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct my_gtid_set set = {0};
        struct sc_error err;
        enum sc_result result = my_gtid_set_parse(&set, cases[i], &err);
        /* A source or a tag without numbers is an empty one, as on the server. */
        if (result == SC_OK)
            check_printed(&set, "");
        else
            assert_int_equal(result, SC_FAIL);
        assert_int_equal(set.nsources, 0);
        my_gtid_set_fini(&set);
    }
}

static void transactions_added_in_any_order_make_one_interval(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct my_gtid_set set = {0};
    for (uint64_t i = 0; i < COUNT; i++) {
        struct my_gtid gtid = gtid_of(A ":1", 1 + i * 73 % COUNT);
        assert_false(my_gtid_set_contains(&set, &gtid));
        my_gtid_set_add(&set, &gtid);
        my_gtid_set_add(&set, &gtid);
        assert_true(my_gtid_set_contains(&set, &gtid));
    }
    check_printed(&set, A ":1-200");
    struct my_gtid other = gtid_of(A ":tag:1", 5);
    assert_false(my_gtid_set_contains(&set, &other));
    struct buf b = {0};
    my_gtid_print(&other, &b);
    assert_string_equal(buf_cstr(&b), A ":tag:5");
    buf_fini(&b);
    my_gtid_set_fini(&set);
}

static void subsets_are_told(void **state)
{
    (void)state;
    struct my_gtid_set whole = set_of(A ":1-10:20-30:t:5," B ":1"), part = set_of(A ":3-4:25:t:5"), copy = {0};
    struct my_gtid_set gap = set_of(A ":9-21"), tag = set_of(A ":u:5"), none = {0};
    assert_true(my_gtid_set_is_subset(&part, &whole));
    assert_false(my_gtid_set_is_subset(&whole, &part));
    assert_false(my_gtid_set_is_subset(&gap, &whole));
    assert_false(my_gtid_set_is_subset(&tag, &whole));
    assert_true(my_gtid_set_is_subset(&none, &part));
    my_gtid_set_copy(&copy, &whole);
    assert_true(my_gtid_set_equal(&copy, &whole));
    my_gtid_set_unite(&copy, &gap);
    check_printed(&copy, A ":1-30:t:5," B ":1");
    assert_false(my_gtid_set_equal(&copy, &whole));
    struct my_gtid_set *all[] = {&whole, &part, &copy, &gap, &tag, &none};
    for (size_t i = 0; i < 6; i++)
        my_gtid_set_fini(all[i]);
}

static void sets_travel_in_the_server_s_binary_form(void **state)
{
    (void)state;
    struct sc_error err;
    struct buf b = {0};
    struct my_gtid_set set = set_of(A ":1-3"), back = {0};
    my_gtid_set_encode(&set, &b);
    static const uint8_t plain[] = {1,    0,    0,    0,    0,    0,    0,    0,    0x3e, 0x11, 0xfa, 0x47,
                                    0x71, 0xca, 0x11, 0xe1, 0x9e, 0x33, 0xc8, 0x0a, 0xa9, 0x42, 0x95, 0x62,
                                    1,    0,    0,    0,    0,    0,    0,    0,    1,    0,    0,    0,
                                    0,    0,    0,    0,    4,    0,    0,    0,    0,    0,    0,    0};
    assert_int_equal(b.len, sizeof(plain));
    assert_memory_equal(b.data, plain, sizeof(plain));
    my_gtid_set_fini(&set);
    static const char *const cases[] = {"", A ":1:3:5-9," B ":7", A ":1-3:nightly:1-9:weekly:2," B ":x:1"};
    for (size_t i = 0; i < 3; i++) {
        set = set_of(cases[i]);
        buf_clear(&b);
        my_gtid_set_encode(&set, &b);
        assert_int_equal(my_gtid_set_decode(&back, b.data, b.len, &err), SC_OK);
        check_printed(&back, cases[i]);
        for (size_t cut = 0; cut < b.len; cut++) {
            struct my_gtid_set short_one = {0};
            assert_int_equal(my_gtid_set_decode(&short_one, b.data, cut, &err), SC_FAIL);
            assert_int_equal(short_one.nsources, 0);
        }
        my_gtid_set_fini(&set);
    }
    my_gtid_set_fini(&back);
    buf_fini(&b);
}

static void domains_keep_their_last_transaction(void **state)
{
    (void)state;
    struct sc_error err;
    struct my_domain_position p = {0}, copy = {0};
    struct buf b = {0};
    assert_int_equal(my_domain_position_parse(&p, "5-1-7, 0-2-18446744073709551615", &err), SC_OK);
    my_domain_position_set(&p, &(struct my_domain_gtid){.domain = 3, .server_id = 9, .number = 1});
    my_domain_position_set(&p, &(struct my_domain_gtid){.domain = 5, .server_id = 2, .number = 6});
    my_domain_position_copy(&copy, &p);
    my_domain_position_print(&copy, &b);
    assert_string_equal(buf_cstr(&b), "0-2-18446744073709551615,3-9-1,5-2-6");
    assert_int_equal(my_domain_position_find(&copy, 3)->server_id, 9);
    assert_null(my_domain_position_find(&copy, 4));
    static const char *const bad[] = {
        "1", "1-2", "1-2-", "1-2-3-4", "a-b-c", "1-2-18446744073709551616", "4294967296-1-1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(my_domain_position_parse(&p, bad[i], &err), SC_FAIL);
        assert_int_equal(p.count, 0);
    }
    assert_int_equal(my_domain_position_parse(&p, "", &err), SC_OK);
    my_domain_position_fini(&p);
    my_domain_position_fini(&copy);
    buf_fini(&b);
}

/* --- places --- */

static struct my_log_position at(uint64_t offset)
{
    struct my_log_position p = {0};
    struct sc_error err;
    assert_int_equal(my_log_position_set(&p, "binlog.000007", offset, &err), SC_OK);
    return p;
}

static void a_file_beyond_4_gib_is_counted_in_64_bits(void **state)
{
    (void)state;
    struct sc_error err;
    struct my_log_position p = at(UINT64_C(0xfffffff0));
    struct my_event event = {.kind = MY_EVENT_ROWS, .name = "WRITE_ROWS", .length = 0x20, .end_position = 0x10};
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    assert_true(p.offset == UINT64_C(0x100000010));
    event.end_position = 0x30;
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    assert_true(p.offset == UINT64_C(0x100000030));
    /* Some servers tell nothing there. */
    event.end_position = 0;
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    assert_true(p.offset == UINT64_C(0x100000050));
}

static void an_event_that_is_not_where_it_must_be_is_noticed(void **state)
{
    (void)state;
    struct sc_error err;
    struct my_log_position p = at(1000);
    struct my_event event = {.kind = MY_EVENT_ROWS, .name = "WRITE_ROWS", .length = 100, .end_position = 1500};
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_FAIL);
    assert_true(p.offset == 1000);
    /* A server that passes over what was executed: the gap is behind us. */
    assert_int_equal(my_log_position_advance(&p, &event, true, &err), SC_OK);
    assert_true(p.offset == 1500);
}

static void what_the_sender_made_moves_nothing(void **state)
{
    (void)state;
    struct sc_error err;
    struct my_log_position p = at(1000);
    struct my_event event = {.kind = MY_EVENT_FORMAT, .name = "FORMAT_DESCRIPTION", .length = 120, .end_position = 0};
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    event.end_position = 124; /* as in the file: MariaDB */
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    event = (struct my_event){.kind = MY_EVENT_SKIP, .name = "?", .length = 50, .flags = MY_EVENT_FLAG_ARTIFICIAL};
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    event = (struct my_event){.kind = MY_EVENT_HEARTBEAT, .name = "HEARTBEAT", .length = 50, .end_position = 1000};
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    assert_true(p.offset == 1000);
    event = (struct my_event){.kind = MY_EVENT_ROTATE, .name = "ROTATE", .rotate = {"binlog.000008", 4}};
    assert_int_equal(my_log_position_advance(&p, &event, false, &err), SC_OK);
    assert_true(p.offset == 4 && p.number == 8);
    assert_string_equal(p.file, "binlog.000008");
}

static void a_heartbeat_must_be_where_we_are(void **state)
{
    (void)state;
    struct sc_error err;
    bool ahead;
    struct my_log_position p = at(UINT64_C(0x100000010));
    struct my_heartbeat_event h = {.file = "binlog.000007", .offset = 0x10};
    assert_int_equal(my_log_position_heartbeat(&p, &h, &ahead, &err), SC_OK);
    assert_false(ahead);
    h.offset = 0x20;
    assert_int_equal(my_log_position_heartbeat(&p, &h, &ahead, &err), SC_OK);
    assert_true(ahead);
    h.offset = 0xf;
    assert_int_equal(my_log_position_heartbeat(&p, &h, &ahead, &err), SC_FAIL);
    h = (struct my_heartbeat_event){.file = "binlog.000007", .offset = UINT64_C(0x100000010), .wide = true};
    assert_int_equal(my_log_position_heartbeat(&p, &h, &ahead, &err), SC_OK);
    assert_false(ahead);
    h.offset = 0x10;
    assert_int_equal(my_log_position_heartbeat(&p, &h, &ahead, &err), SC_FAIL);
    h.file = "binlog.000006";
    assert_int_equal(my_log_position_heartbeat(&p, &h, &ahead, &err), SC_FAIL);
    h.file = "binlog.000008";
    assert_int_equal(my_log_position_heartbeat(&p, &h, &ahead, &err), SC_OK);
    assert_true(ahead);
}

static void positions_survive_being_stored(void **state)
{
    (void)state;
    struct sc_error err;
    struct my_log_position p = at(UINT64_C(5000000000)), back;
    struct position position;
    const char *gtids;
    my_log_position_make(&p, A ":1-5:tag:7", &position);
    assert_string_equal(position.text, "binlog.000007:5000000000 " A ":1-5:tag:7");
    assert_true(position.order == (UINT64_C(7) << 40 | UINT64_C(5000000000)));
    assert_int_equal(my_log_position_parse(&back, &position, &gtids, &err), SC_OK);
    assert_string_equal(back.file, "binlog.000007");
    assert_true(back.offset == p.offset && back.number == 7);
    assert_string_equal(gtids, A ":1-5:tag:7");
    /* What does not fit is left out whole. */
    char long_text[POSITION_TEXT];
    memset(long_text, 'x', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = 0;
    my_log_position_make(&p, long_text, &position);
    assert_string_equal(position.text, "binlog.000007:5000000000");
    assert_int_equal(my_log_position_parse(&back, &position, &gtids, &err), SC_OK);
    assert_string_equal(gtids, "");
    static const char *const bad[] = {"",          "binlog.000007", "binlog.000007:",  "binlog.000007:4x", "binlog:4",
                                      "binlog.:4", "binlog.7x:4",   "b.99999999999:4", "b.1:1099511627776"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(position.text, sizeof(position.text), "%s", bad[i]);
        assert_int_equal(my_log_position_parse(&back, &position, NULL, &err), SC_FAIL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_printed_as_the_server_does),
        cmocka_unit_test(text_that_is_no_set_is_refused),
        cmocka_unit_test(transactions_added_in_any_order_make_one_interval),
        cmocka_unit_test(subsets_are_told),
        cmocka_unit_test(sets_travel_in_the_server_s_binary_form),
        cmocka_unit_test(domains_keep_their_last_transaction),
        cmocka_unit_test(a_file_beyond_4_gib_is_counted_in_64_bits),
        cmocka_unit_test(an_event_that_is_not_where_it_must_be_is_noticed),
        cmocka_unit_test(what_the_sender_made_moves_nothing),
        cmocka_unit_test(a_heartbeat_must_be_where_we_are),
        cmocka_unit_test(positions_survive_being_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
