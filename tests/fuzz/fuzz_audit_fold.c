/* Messages as they come back from a topic: what is found in an event is what a reader of JSON finds; folded in slices a
 * history comes to the same as in one. An input is a list: flags (partition, with key, with value), length of the key
 * and of the value (16 bits each), the bytes. */
#include <jansson.h>

#include "base/reader.h"
#include "cdc/audit/envelope.h"
#include "cdc/audit/fold.h"
#include "fuzz/fuzz.h"

enum { PARTITIONS = 3, MOST = 64 };

/* Room for 128 slots, so that the keys of MOST messages always have theirs. The table is looked through as a whole by
 * each fold: in a larger one that takes most of the time. */
enum { MEMORY = 12 << 10 };

static bool told_by_json(const char *value, size_t len, const struct audit_envelope *e)
{
    json_t *read = json_loadb(value, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    json_t *payload = e->with_schema ? json_object_get(read, "payload") : read;
    const char *op = json_string_value(json_object_get(payload, "op"));
    json_t *after = json_object_get(payload, "after"), *found = NULL;
    bool same = true;
    /* The scan is content with less than JSON; names with escapes in them are none of ours. */
    if (read && !memmem(value, len, "\\", 1)) {
        same = op && op[0] == e->op && !op[1] && (!after || json_is_null(after)) == !e->after;
        if (same && e->after) {
            found = json_loadb(e->after, e->after_len,
                               JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
            same = found && json_equal(found, after);
        }
    }
    json_decref(found);
    json_decref(read);
    return same;
}

/* How many of them were events. */
static size_t take_all(struct audit_fold *f, const struct audit_received *messages, size_t count)
{
    struct sc_error err;
    size_t good = 0;
    for (size_t i = 0; i < count; i++)
        good += audit_fold_take(f, &messages[i], &err) == SC_OK;
    return good;
}

static void count_place(void *arg, const struct audit_place *place)
{
    HOLDS(place->partition >= 0 && place->partition < PARTITIONS && place->offset >= 0);
    ++*(uint64_t *)arg;
}

/* Rows that the history has, each met once by its own bytes: none is missing then. */
static void meet_all(struct audit_fold *f, const struct audit_received *messages, size_t count)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < count; i++) {
        struct audit_envelope e;
        const char *key;
        size_t len;
        if (messages[i].value && audit_envelope_read(messages[i].value, messages[i].value_len, &e) && e.after &&
            audit_key_payload(messages[i].key, messages[i].key_len, e.with_schema, &key, &len))
            (void)audit_fold_compare(f, key, len, e.after, e.after_len, NULL);
    }
    audit_fold_rest(f, count_place, &missing);
    HOLDS(missing == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *input = fuzz_exact(data, size);
    struct reader r = reader_of(input, size);
    struct audit_received messages[MOST];
    size_t count = 0;
    while (count < MOST && reader_left(&r) > 0) {
        uint8_t flags = read_u8(&r);
        size_t key_len = read_u16(&r), value_len = read_u16(&r);
        const char *key = read_bytes(&r, key_len), *value = read_bytes(&r, value_len);
        if (!reader_ok(&r))
            break;
        struct audit_received m = {.partition = flags % 4, .offset = (int64_t)count};
        if (flags & 4) {
            m.key = key;
            m.key_len = key_len;
        }
        if (flags & 8) {
            m.value = value;
            m.value_len = value_len;
        }
        struct audit_envelope e;
        if (m.value && audit_envelope_read(value, value_len, &e)) {
            HOLDS(!e.after || (e.after >= value && e.after + e.after_len <= value + value_len));
            HOLDS(told_by_json(value, value_len, &e));
        }
        messages[count++] = m;
    }
    struct audit_folded whole, part, sum = {0};
    struct audit_fold *f = audit_fold_new(PARTITIONS, MEMORY, (struct audit_slice){0});
    size_t good = take_all(f, messages, count);
    HOLDS(!audit_fold_full(f));
    audit_fold_result(f, &whole);
    meet_all(f, messages, count);
    audit_fold_free(f);
    for (uint32_t i = 0; i < 4; i++) {
        f = audit_fold_new(PARTITIONS, MEMORY, (struct audit_slice){.index = i, .bits = 2});
        HOLDS(take_all(f, messages, count) == good);
        audit_fold_result(f, &part);
        HOLDS(part.whole == whole.whole && part.truncated == whole.truncated && part.tombstones == whole.tombstones);
        sum.set += part.set;
        sum.removed += part.removed;
        sum.keys += part.keys;
        sum.rows += part.rows;
        sum.partial += part.partial;
        audit_fold_free(f);
    }
    HOLDS(sum.set == whole.set && sum.removed == whole.removed && sum.keys == whole.keys && sum.rows == whole.rows &&
          sum.partial == whole.partial);
    free(input);
    return 0;
}
