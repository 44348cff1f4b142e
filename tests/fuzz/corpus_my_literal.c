/* First inputs for fuzz_my_literal: values and bounds of every type. */
#include "fuzz/corpus.h"
#include "fuzz/my_literal.h"

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const char *const values[] = {
        "0000 0500000000000000",
        "0100 81000000000000000000",
        "1e0a 810000000000000000000000000000000000",
        "0400 0000803f",
        "0800 182d4454fb210940",
        "0800 00000000000000ff",
        "0000 7b",
        "0000 81cf0f",
        "0600 8123450f4240",
        "0600 99b3a65d3c0f4240",
        "0300 5f5e1000 03e8",
        "6400 03 616263",
        "6400 05 61275c00ff",
        "fe0a 03616263",
        "fe08 080102030405060708",
        "0400 03000000 610062",
        "0400 19000000 000000000101000000000000000000f03f0000000000000040",
        "0400 0c000000 0000010b00000000000061",
        "0400 13000000 000200320012000000120001000400130000",
        "f701 02",
        "f801 07",
        "fe10 10 00112233445566778899aabbccddeeff",
        "0300 123456",
        "0000 1122334455667788",
        "0400 25000000 0003003b00190001001a0001001b0002000f1d000f27000f3100647464740a080000000000bab219",
    };
    static const char *const bounds[] = {"17",
                                         "-1.5",
                                         "1e5",
                                         "-1.7976931348623157e308",
                                         "2026-11-21 10:00:00.5",
                                         "6162ff",
                                         "a'b",
                                         "--1",
                                         "1-1",
                                         "",
                                         "-00:00:01",
                                         "E",
                                         "5+-3",
                                         "+1",
                                         "1.5E+10 OR",
                                         "::ffff:1.2.3.4"};
    for (int family = 0; family < 32; family += 16)
        for (int type = 0; type < 26; type++) {
            for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                struct buf b = {0};
                buf_u8(&b, (uint8_t)(FUZZ_COLUMN_VALUE | family));
                buf_u8(&b, (uint8_t)type);
                corpus_hex(&b, values[i]);
                corpus_add(&b);
                buf_fini(&b);
            }
            for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
                struct buf b = {0};
                buf_u8(&b, (uint8_t)(FUZZ_BOUND | family));
                buf_u8(&b, (uint8_t)type);
                buf_str(&b, bounds[i]);
                corpus_add(&b);
                buf_fini(&b);
            }
        }
    return corpus_end();
}
