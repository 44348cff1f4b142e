/* First inputs for fuzz_pg_log: the recorded stream, transaction by transaction, whole, and with lost connections; and
 * what it has of two tables, by turns in one transaction. */
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

/* What the recording has of a table: messages in hexadecimal. */
struct table_log {
    const char *number;
    char *lines[64];
    size_t count, next;
};

static void keep(struct table_log *t, const char *line)
{
    bool ours = strlen(line) > 10 && strncmp(line + 2, t->number, 8) == 0;
    if (ours && strchr("RIUD", (int)strtol((char[]){line[0], line[1], 0}, NULL, 16)) && t->count < 64)
        t->lines[t->count++] = strdup(line);
}

/* One line of the one table, one of the other, and so on, with a TRUNCATE of both behind; `cut`: a lost connection
 * behind so many messages. */
static void by_turns(struct table_log tables[2], size_t cut)
{
    struct buf b = {0};
    size_t put = 0;
    put_frame(&b, "42" /* BEGIN */ "0000000003000000"
                  "0002c0b8a5d90000"
                  "000002e5");
    tables[0].next = tables[1].next = 0;
    for (int turn = 0; tables[0].next < tables[0].count || tables[1].next < tables[1].count; turn = !turn) {
        struct table_log *t = &tables[turn];
        if (t->next == t->count)
            continue;
        put_frame(&b, t->lines[t->next++]);
        if (++put == cut)
            buf_u16(&b, 0);
    }
    put_frame(&b, "54" /* TRUNCATE */ "00000002"
                  "00"
                  "0000400b"
                  "00004017");
    put_frame(&b, "43" /* COMMIT */ "00"
                  "0000000003000000"
                  "0000000003000100"
                  "0002c0b8a5d90000");
    if (cut > put)
        buf_u16(&b, 0);
    put_keepalive(&b);
    corpus_add(&b);
    buf_fini(&b);
}

static void two_tables(void)
{
    struct table_log tables[2] = {{.number = "0000400b"}, {.number = "00004017"}};
    FILE *f = fopen(TEST_DATA_DIR "/pgoutput_15.hex", "r");
    static char line[1 << 20];
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\r\n")] = 0;
        for (int i = 0; i < 2 && strlen(line) < 4000; i++)
            keep(&tables[i], line);
    }
    if (f)
        fclose(f);
    for (size_t cut = 0; cut <= tables[0].count + tables[1].count + 1; cut++)
        by_turns(tables, cut);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < tables[i].count; k++)
            free(tables[i].lines[k]);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    recorded(false, NULL);
    recorded(false, "0000400b");
    recorded(true, "0000400b");
    recorded(true, NULL);
    two_tables();
    struct buf b = {0};
    put_keepalive(&b);
    corpus_add(&b);
    buf_fini(&b);
    return corpus_end();
}
