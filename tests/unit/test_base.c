/* The small things everything stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/strlist.h"

static void a_reader_past_the_end_returns_zeros_and_stays_bad(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3};
    struct reader r = reader_of(bytes, sizeof(bytes));
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u32(&r), 0);
    assert_false(reader_ok(&r));
    assert_int_equal(read_u8(&r), 0);
    assert_null(read_bytes(&r, 1));
    assert_int_equal(reader_left(&r), 0);
}

static void a_string_without_its_nul_is_bad(void **state)
{
    (void)state;
    struct reader r = reader_of("abc", 3);
    assert_string_equal(read_cstring(&r), "");
    assert_false(reader_ok(&r));
    r = reader_of("ab\0c", 4);
    assert_string_equal(read_cstring(&r), "ab");
    assert_int_equal(reader_left(&r), 1);
    assert_false(reader_done(&r));
}

static void a_length_that_wraps_around_is_refused(void **state)
{
    (void)state;
    struct reader r = reader_of("abcd", 4);
    assert_null(read_bytes(&r, SIZE_MAX));
    assert_false(reader_ok(&r));
}

static void an_error_is_wrapped_from_the_left_and_keeps_its_class_and_first_advice(void **state)
{
    (void)state;
    struct sc_error err;
    assert_int_equal(error_set(&err, SC_REFUSE, "no key on %s", "t"), SC_REFUSE);
    error_hint(&err, "add one");
    error_hint(&err, "something else");
    assert_int_equal(error_wrap(&err, "preflight"), SC_REFUSE);
    assert_string_equal(err.what, "preflight: no key on t");
    assert_string_equal(err.hint, "add one");
}

static void an_arena_gives_zeroed_memory_also_for_what_is_larger_than_a_block(void **state)
{
    (void)state;
    struct arena a = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 300000; size = size * 3 + 1) {
            unsigned char *p = arena_alloc(&a, size);
            for (size_t i = 0; i < size; i += 97)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, size);
        }
        arena_reset(&a);
        assert_int_equal(a.bytes, 0);
    }
    arena_fini(&a);
}

static void json_strings_escape_what_must_be_and_mask_what_is_not_utf8(void **state)
{
    (void)state;
    struct buf b = {0};
    json_string(&b, "a\"b\\c\n\x01\xc3\xa9\xff\xc3");
    assert_string_equal(buf_cstr(&b), "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\\ufffd\\ufffd\"");
    buf_fini(&b);
}

static void a_back_off_grows_to_its_limit_and_never_beyond(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 100, 1000);
    int64_t last = 0;
    for (int i = 0; i < 100; i++) {
        last = backoff_next_ms(&b);
        assert_in_range(last, 50, 1000);
    }
    assert_in_range(last, 500, 1000);
    backoff_reset(&b);
    assert_in_range(backoff_next_ms(&b), 50, 100);
}

static void numbers_come_back_as_they_were_written(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_u8(&b, 0xab);
    buf_u16(&b, 0xabcd);
    buf_u32(&b, 0x89abcdefu);
    buf_u64(&b, 0x0123456789abcdefu);
    struct reader r = reader_of(b.data, b.len);
    assert_int_equal(read_u8(&r), 0xab);
    assert_int_equal(read_u16(&r), 0xabcd);
    assert_true(read_u32(&r) == 0x89abcdefu);
    assert_true(read_u64(&r) == 0x0123456789abcdefu);
    assert_true(reader_done(&r));
    buf_fini(&b);
}

static void a_string_list_owns_its_strings(void **state)
{
    (void)state;
    struct strlist l = {0};
    char text[] = "one";
    strlist_add(&l, text);
    text[0] = 'x';
    strlist_addf(&l, "%d", 2);
    assert_true(strlist_has(&l, "one"));
    assert_true(strlist_has(&l, "2"));
    assert_false(strlist_has(&l, "xne"));
    strlist_fini(&l);
    assert_int_equal(l.count, 0);
}

static void ids_are_taken_out_one_by_one(void **state)
{
    (void)state;
    struct ids ids;
    uint64_t *got;
    ids_init(&ids);
    assert_int_equal(ids_copy(&ids, &got), 0);
    assert_null(got);
    ids_add(&ids, 7);
    ids_add(&ids, 8);
    ids_add(&ids, UINT64_MAX);
    ids_remove(&ids, 7);
    ids_remove(&ids, 9);
    assert_int_equal(ids_copy(&ids, &got), 2);
    assert_true(got[0] != 7 && got[1] != 7 && got[0] != got[1]);
    mem_free(got);
    ids_fini(&ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_past_the_end_returns_zeros_and_stays_bad),
        cmocka_unit_test(a_string_without_its_nul_is_bad),
        cmocka_unit_test(a_length_that_wraps_around_is_refused),
        cmocka_unit_test(an_error_is_wrapped_from_the_left_and_keeps_its_class_and_first_advice),
        cmocka_unit_test(an_arena_gives_zeroed_memory_also_for_what_is_larger_than_a_block),
        cmocka_unit_test(json_strings_escape_what_must_be_and_mask_what_is_not_utf8),
        cmocka_unit_test(a_back_off_grows_to_its_limit_and_never_beyond),
        cmocka_unit_test(numbers_come_back_as_they_were_written),
        cmocka_unit_test(a_string_list_owns_its_strings),
        cmocka_unit_test(ids_are_taken_out_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
