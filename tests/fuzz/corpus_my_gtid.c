/* First inputs for fuzz_my_gtid: what servers have written, and steps of set algebra. */
#include "fuzz/corpus.h"

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const char *const sets[] = {
        "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-3:tag:1-2:4,4e11fa47-71ca-11e1-9e33-c80aa9429562:9",
        "3E11FA47-71CA-11E1-9E33-C80AA9429562:1-9223372036854775806",
        " 3e11fa47-71ca-11e1-9e33-c80aa9429562 : 1 - 5 : 7,\n",
        "",
    };
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        corpus_text(0, sets[i]);
    static const char *const binary[] = {
        "01 0000000000000000",
        "01 0100000000000000 3e11fa4771ca11e19e33c80aa9429562 0200000000000000 0100000000000000 0400000000000000"
        " 0600000000000000 0700000000000000",
        "01 0102000000000001 3e11fa4771ca11e19e33c80aa9429562 00 0100000000000000 0100000000000000 0400000000000000"
        " 3e11fa4771ca11e19e33c80aa9429562 06 746167 0100000000000000 0100000000000000 0200000000000000",
    };
    for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
        struct buf b = {0};
        corpus_hex(&b, binary[i]);
        corpus_add(&b);
        buf_fini(&b);
    }
    static const char *const domains[] = {"0-1-100,5-2-18446744073709551615", "", "0-1-7, 0-1-8\n,3-4294967295-1"};
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
        corpus_text(2, domains[i]);
    corpus_text(3, "\x01\x02\x01\x03\x01\x05\x13\x05\x02\xc0\x04\xb8\x01\x04");
    return corpus_end();
}
