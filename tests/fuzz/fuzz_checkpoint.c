/* What is read back from the database after a crash: places in the logs, snapshots, bounds of chunks, phases. What was
 * written comes back, and what is damaged is noticed. */
#include <inttypes.h>

#include "applier/mysql/key_text.h"
#include "applier/postgres/state.h"
#include "applier/target.h"
#include "base/postgres/conn.h"
#include "base/reader.h"
#include "cdc/mysql/position_text.h"
#include "fuzz/checkpoint.h"
#include "fuzz/fuzz.h"

/* --- PostgreSQL --- */

static void lsn(const char *text)
{
    uint64_t at, again;
    char out[24];
    if (!pg_lsn_parse(text, &at))
        return;
    pg_lsn_format(at, out);
    HOLDS(pg_lsn_parse(out, &again) && again == at);
}

static void snapshot(const char *text)
{
    struct pg_snapshot s, again;
    if (!pg_snapshot_parse(text, &s))
        return;
    struct buf b = {0};
    buf_printf(&b, "%" PRIu64 ":%" PRIu64 ":", s.xmin, s.xmax);
    for (size_t i = 0; i < s.nxip; i++) {
        buf_printf(&b, i ? ",%" PRIu64 : "%" PRIu64, s.xip[i]);
        HOLDS(s.xip[i] < s.xmin || !pg_snapshot_sees(&s, s.xip[i]));
    }
    HOLDS(s.xmax < s.xmin || !pg_snapshot_sees(&s, s.xmax));
    HOLDS(s.xmin == 0 || pg_snapshot_sees(&s, s.xmin - 1));
    HOLDS(pg_snapshot_parse(buf_cstr(&b), &again) && again.nxip == s.nxip && again.xmin == s.xmin &&
          again.xmax == s.xmax);
    for (size_t i = 0; i < s.nxip; i++)
        HOLDS(again.xip[i] == s.xip[i]);
    pg_snapshot_fini(&s);
    pg_snapshot_fini(&again);
    buf_fini(&b);
}

/* --- MySQL and MariaDB --- */

static bool same_place(const struct my_log_position *a, const struct my_log_position *b)
{
    return strcmp(a->file, b->file) == 0 && a->number == b->number && a->offset == b->offset;
}

/* `order` and, behind a line end, the text, as the columns have them. */
static void stored(char *text)
{
    struct position position;
    struct my_log_position at, from, at_again, from_again;
    struct sc_error err;
    char *end = strchr(text, '\n'), *gtids = NULL, *gtids_again = NULL;
    if (!end)
        return;
    *end = 0;
    if (my_position_stored(text, end + 1, &position, &err) != SC_OK) {
        HOLDS(err.what[0] && position.order == 0 && !position.text[0]);
        return;
    }
    HOLDS(strcmp(position.text, end + 1) == 0);
    HOLDS(my_position_read(&position, &at, &from, &gtids, &err) == SC_OK);
    HOLDS(my_log_position_order(&at) == position.order && gtids);
    my_position_write(&at, same_place(&at, &from) ? NULL : &from, gtids, &position);
    HOLDS(my_position_read(&position, &at_again, &from_again, &gtids_again, &err) == SC_OK);
    HOLDS(same_place(&at, &at_again) && same_place(&from, &from_again));
    HOLDS(strcmp(gtids, gtids_again) == 0 || !*gtids_again);
    mem_free(gtids);
    mem_free(gtids_again);
}

/* Places of any file that a server can name: what is written is what is read. */
static void places(struct reader *r)
{
    struct my_log_position at = {0}, from = {0}, at_again, from_again;
    struct position position;
    struct sc_error err;
    char name[300] = "", *gtids = NULL;
    uint64_t offset = read_u64(r) >> read_u8(r) % 64, earlier = read_u64(r) >> read_u8(r) % 64;
    size_t len = read_u8(r);
    const char *bytes = read_bytes(r, len);
    if (!bytes)
        return;
    memcpy(name, bytes, len);
    snprintf(name + strlen(name), sizeof(name) - strlen(name), ".%u", read_u32(r) & 0xffffffu);
    if (my_log_position_set(&at, name, offset, &err) != SC_OK ||
        my_log_position_set(&from, name, earlier, &err) != SC_OK)
        return;
    my_position_write(&at, &from, "0-1-2,1-2-3", &position);
    char order[32];
    snprintf(order, sizeof(order), "%" PRIu64, position.order);
    struct position back;
    HOLDS(my_position_stored(order, position.text, &back, &err) == SC_OK && back.order == position.order);
    HOLDS(my_position_read(&back, &at_again, &from_again, &gtids, &err) == SC_OK);
    HOLDS(same_place(&at, &at_again) && same_place(&from, &from_again));
    HOLDS(strcmp(gtids, "0-1-2,1-2-3") == 0 || !*gtids);
    mem_free(gtids);
}

static void key(int count, const char *text)
{
    struct key *k;
    if (!my_key_read(text, count, &k))
        return;
    struct buf b = {0};
    my_key_write(&b, k);
    HOLDS(strcmp(buf_cstr(&b), text) == 0); /* there is one way to write it */
    buf_fini(&b);
    key_free(k);
}

/* Lines are values. */
static void key_written(const char *text)
{
    enum { MOST = 32 };
    char *values[MOST];
    struct key k = {.values = values}, *back;
    for (const char *p = text; k.count < MOST; p++) {
        size_t len = strcspn(p, "\n");
        values[k.count++] = mem_strndup(p, len);
        p += len;
        if (!*p)
            break;
    }
    struct buf b = {0};
    my_key_write(&b, &k);
    HOLDS(my_key_read(buf_cstr(&b), k.count, &back) && key_same(&k, back));
    key_free(back);
    HOLDS(!my_key_read(buf_cstr(&b), k.count + 1, &back) && !back);
    HOLDS(k.count == 1 || (!my_key_read(buf_cstr(&b), k.count - 1, &back) && !back));
    for (int i = 0; i < k.count; i++)
        mem_free(values[i]);
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct reader r = reader_of(data + 1, size - 1);
    char *text = fuzz_text(data + 1, size - 1);
    enum phase phase;
    switch (data[0] & 15) {
    case FUZZ_LSN:
        lsn(text);
        break;
    case FUZZ_SNAPSHOT:
        snapshot(text);
        break;
    case FUZZ_STORED:
        stored(text);
        break;
    case FUZZ_PLACES:
        places(&r);
        break;
    case FUZZ_KEY:
        key(1 + (data[0] >> 4), text);
        break;
    case FUZZ_KEY_WRITTEN:
        key_written(text);
        break;
    case FUZZ_PHASE:
        if (phase_from_stored(text, &phase))
            HOLDS(strcmp(phase_stored_name(phase), text) == 0);
        break;
    default:
        break;
    }
    free(text);
    return 0;
}
