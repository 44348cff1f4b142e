/* First inputs for fuzz_audit. */
#include "fuzz/audit.h"
#include "fuzz/corpus.h"

static void add(unsigned which, uint8_t mode, const char *text)
{
    struct buf b = {0};
    buf_u8(&b, (uint8_t)which);
    buf_u8(&b, mode);
    buf_str(&b, text);
    corpus_add(&b);
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const char *const texts[] = {
        "t",
        "-12345",
        "123.45",
        "-1e-05",
        "Infinity",
        "NaN",
        "\\x00ff10",
        "a \"b\" \\ \xc3\xbc",
        "0101010101",
        "2018-06-20",
        "0044-03-15 BC",
        "infinity",
        "0000-00-00",
        "04:05:06.789012",
        "-838:59:59.5",
        "01:00:00+05:45",
        "2018-06-20 13:37:03.123456",
        "2018-06-20 13:37:03-03:30 BC",
        "1 year 2 mons -3 days +04:05:06.78",
        "{a,\"b, c\",NULL,\"\\\\x01\"}",
        "{1,-2,NULL}",
        "[2:3]={1,2}",
        "{{1},{2}}",
        "3",
        "2024",
        "\x83\x5c\xfc",
        "\xe6\x10\x01\x01\x01\x01",
        "\x0c\x03"
        "abc",
        "18446744073709551615",
    };
    corpus_begin(argc, argv);
    for (unsigned which = 0; which < AUDIT_PG + AUDIT_MY; which++)
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            add(which, (uint8_t)(i * 8), texts[i]);
    return corpus_end();
}
