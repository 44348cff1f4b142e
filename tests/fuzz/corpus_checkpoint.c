/* First inputs for fuzz_checkpoint: what has been stored, and what nearly could have been. */
#include "fuzz/checkpoint.h"
#include "fuzz/corpus.h"

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const struct {
        uint8_t mode;
        const char *text;
    } texts[] = {
        {FUZZ_LSN, "16/B374D848"},
        {FUZZ_LSN, "0/199C918"},
        {FUZZ_LSN, "FFFFFFFF/ffffffff"},
        {FUZZ_SNAPSHOT, "746:746:"},
        {FUZZ_SNAPSHOT, "746:750:746,748"},
        {FUZZ_SNAPSHOT, "18446744073709551615:18446744073709551615:1"},
        {FUZZ_STORED, "7696581399055\nbinlog.000007:4623 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:tag:7"},
        {FUZZ_STORED, "7696581399055\nbinlog.000007:4623"},
        {FUZZ_STORED, "7696581399055\nmysql-bin.000007:4623 0-1-100 xa=mysql-bin.000006:4"},
        {FUZZ_STORED, "7696581399056\nbinlog.000007:4623"},
        {FUZZ_KEY, "2:17,"},
        {FUZZ_KEY | 1 << 4, "3:a,b,0:,"},
        {FUZZ_KEY_WRITTEN, "17\n\n3:a,\n2026-11-21"},
        {FUZZ_PHASE, "prepare"},
        {FUZZ_PHASE, "copy"},
        {FUZZ_PHASE, "index"},
        {FUZZ_PHASE, "catch-up"},
        {FUZZ_PHASE, "ready"},
        {FUZZ_PHASE, "cutover"},
        {FUZZ_PHASE, "cleanup"},
        {FUZZ_PHASE, "done"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        corpus_text(texts[i].mode, texts[i].text);
    for (int len = 0; len < 256; len += 51) {
        struct buf b = {0};
        buf_u8(&b, FUZZ_PLACES);
        buf_u64(&b, UINT64_MAX);
        buf_u8(&b, 24);
        buf_u64(&b, UINT64_MAX);
        buf_u8(&b, 40);
        buf_u8(&b, (uint8_t)len);
        for (int i = 0; i < len; i++)
            buf_char(&b, (char)('a' + i % 26));
        buf_u32(&b, UINT32_MAX);
        corpus_add(&b);
        buf_fini(&b);
    }
    return corpus_end();
}
