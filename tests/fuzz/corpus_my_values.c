/* First inputs for fuzz_my_values: values of every type, documents, partial updates. */
#include "cdc/mysql/types.h"
#include "fuzz/corpus.h"
#include "fuzz/my_values.h"

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 8;
}

static void values(void)
{
    static const uint8_t types[] = {
        MY_LOG_TINY,
        MY_LOG_SHORT,
        MY_LOG_LONG,
        MY_LOG_FLOAT,
        MY_LOG_DOUBLE,
        MY_LOG_LONGLONG,
        MY_LOG_INT24,
        MY_LOG_TIMESTAMP,
        MY_LOG_DATE,
        MY_LOG_TIME,
        MY_LOG_DATETIME,
        MY_LOG_YEAR,
        MY_LOG_VARCHAR,
        MY_LOG_BIT,
        MY_LOG_TIMESTAMP2,
        MY_LOG_TIME2,
        MY_LOG_DATETIME2,
        MY_LOG_NEWDECIMAL,
        MY_LOG_ENUM,
        MY_LOG_SET,
        MY_LOG_BLOB,
        MY_LOG_STRING,
        MY_LOG_GEOMETRY,
        MY_LOG_JSON,
        MY_LOG_BLOB_COMPRESSED,
        MY_LOG_VECTOR,
        MY_LOG_VAR_STRING,
        MY_LOG_VARCHAR_COMPRESSED,
    };
    static const uint16_t metadata[] = {0, 1, 3, 4, 6, 8, 256, 0x0800, 0x0e04, 0x411e, 0xfe10, 0xce20, 0xf701, 0xf808};
    for (size_t t = 0; t < sizeof(types); t++) {
        for (size_t m = 0; m < sizeof(metadata) / sizeof(metadata[0]); m++) {
            struct buf b = {0};
            uint8_t flags = (uint8_t)next_random();
            buf_u8(&b, FUZZ_VALUE);
            buf_u8(&b, types[t]);
            buf_u16(&b, metadata[m]);
            buf_u8(&b, flags);
            buf_u16(&b, (uint16_t)(m % 8));
            /* a length of 19, and what zlib makes of some text, as a compressed column has it */
            corpus_hex(&b, "130000008104789c4b4c4a0600024d0127000000000000000000000000000000000000000000");
            corpus_add(&b);
            buf_fini(&b);
        }
    }
}

static const char *const documents[] = {
    "0400",
    "0000000400",
    "000200320012000000120001000400000213006103001F000501000B0D000C150000000000000004400969742773200A20C3B6",
    "0206002E0005010005FFFF071600071A00091E00092600FFFF00000000FFFFFFFFFFFF00000000000EFAD5FEFFFFFF",
    "0003003B00190001001A0001001B0002000F1D000F27000F3100647464740A080000000000BAB2190B08E05EF8FF5FFFFFFF0C080100000"
    "0A0BAB219",
    "02030024000F0D000F16000B1C00F6070B028000000132F6040201800172F88FE3C4626ECD",
    "0204001C000F10000F14000F17000F19000F02FF000F01610F000F0105",
    "0001002A000B000100020C006B02001E00060100000A00010014000B0001000B0C006E343333333333D33F",
    "02110028010F37000F3E000F41000F45000F48000F4B000F4E0006E8070F52000F5C000F66000F70000F7A000B84000C8C000C8E00009000F"
    "E05FF000000000F01FFF902FE00FC01FDFA01FCFB01FB10020107070848E801010042B2190C08000000000042B2190A08000000000042B21"
    "90B08702FFCFF5FFFFFFFF6080A038000000101F4000000A09999B93F0171016103009800190003001C00040020000B00002B000C7800027"
    "E0063727374797065636F6F7264696E6174657302004D001200040016000A000C20000025007479706570726F70657274696573046E616D6"
    "5010028000B0004000C0F006E616D651875726E3A6F67633A6465663A6372733A4D7953514C3A3A3005506F696E7402001A000B0A000B120"
    "0000000000000F03F0000000000000040",
};

/* Operation, path, value, as in a partial update. */
static const char *const diffs[] = {
    "00 03 242E61 02 0400",           "01 03 242E62 03 050700",           "02 03 242E61",
    "00 06 242E615B305D 02 0401",     "01 09 242E615B6C6173745D 02 0402", "02 07 242E2261225B305D",
    "00 08 242E225C7530303631 02 04", "01 03 242E7A 05 0000000400",
};

static void json(void)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        struct buf b = {0};
        buf_u8(&b, FUZZ_JSON);
        corpus_hex(&b, documents[i]);
        corpus_add(&b);
        for (size_t k = 0; k < sizeof(diffs) / sizeof(diffs[0]); k++) {
            struct buf u = {0};
            buf_u8(&u, FUZZ_JSON_UPDATE);
            buf_u16(&u, (uint16_t)(b.len - 1));
            buf_bytes(&u, b.data + 1, b.len - 1);
            for (const char *p = diffs[k]; *p; p++)
                if (*p != ' ') {
                    corpus_hex(&u, (const char[]){p[0], p[1], 0});
                    p++;
                }
            corpus_add(&u);
            buf_fini(&u);
        }
        buf_fini(&b);
    }
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    values();
    json();
    return corpus_end();
}
