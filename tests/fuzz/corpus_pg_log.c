/* First inputs for fuzz_pg_log: the recorded stream, transaction by transaction, whole, and with lost connections. */
#include "fuzz/corpus.h"

static void put_frame(struct buf *b, const char *hex)
{
    struct buf frame = {0};
    buf_u8(&frame, 'w');
    for (int i = 0; i < 3; i++)
        buf_u64(&frame, (uint64_t)i << 20);
    corpus_hex(&frame, hex);
    buf_u16(b, (uint16_t)frame.len);
    buf_bytes(b, frame.data, frame.len);
    buf_fini(&frame);
}

static void put_keepalive(struct buf *b)
{
    buf_u16(b, 18);
    buf_u8(b, 'k');
    buf_u64(b, 1 << 30);
    buf_u64(b, 1);
    buf_u8(b, 1);
}

/* The recorded table is not always the number that the target asks for. */
static void renumber(char *hex, const char *number)
{
    if (strchr("RIUD", (int)strtol((char[]){hex[0], hex[1], 0}, NULL, 16)) && strlen(hex) > 10)
        memcpy(hex + 2, number, 8);
}

static void recorded(bool cuts, const char *number)
{
    FILE *f = fopen(TEST_DATA_DIR "/pgoutput_15.hex", "r");
    static char line[1 << 20];
    struct buf all = {0}, one = {0};
    if (!f) {
        perror("pgoutput_15.hex");
        exit(1);
    }
    for (int n = 0; fgets(line, sizeof(line), f); n++) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0] == '#' || !line[0] || strlen(line) > 4000)
            continue;
        if (number)
            renumber(line, number);
        put_frame(&all, line);
        put_frame(&one, line);
        if (cuts && n % 7 == 5)
            put_keepalive(&all);
        if (cuts && n % 3 == 2) {
            buf_u16(&all, 0);
            buf_u16(&one, 0);
        }
        if (line[0] == '4' && line[1] == '3') { /* COMMIT */
            corpus_add(&one);
            buf_clear(&one);
        }
    }
    corpus_add(&all);
    fclose(f);
    buf_fini(&all);
    buf_fini(&one);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    recorded(false, NULL);
    recorded(false, "0000400b");
    recorded(true, "0000400b");
    struct buf b = {0};
    put_keepalive(&b);
    corpus_add(&b);
    buf_fini(&b);
    return corpus_end();
}
