/* Values of row events and binary JSON, for libFuzzer or any other driver. The first byte says what the rest is. What
 * is valid must be printed and rebuilt, and what a partial update makes must be valid. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/mysql/json.h"
#include "cdc/mysql/values.h"
#include "fuzz/fuzz.h"
#include "fuzz/my_values.h"

/* Type, metadata, flags, length; then the value. */
static void value(const uint8_t *data, size_t len)
{
    if (len < 6)
        return;
    struct my_log_column column = {.type = data[0],
                                   .metadata = (uint16_t)(data[1] << 8 | data[2]),
                                   .is_unsigned = data[3] & 1,
                                   .is_binary = data[3] & 2,
                                   .kind = (enum my_family_type)((data[3] >> 2) % 5),
                                   .length = (uint32_t)(data[4] << 8 | data[5])};
    struct arena arena = {0};
    struct value out;
    const char *problem;
    struct reader r = reader_of(data + 6, len - 6);
    if (my_value_read(&r, &column, &arena, &out, &problem) &&
        (out.state != VALUE_PRESENT || out.data[out.len] != 0 || !reader_ok(&r)))
        abort();
    arena_fini(&arena);
}

static void document(const uint8_t *data, size_t len)
{
    struct buf text = {0}, expression = {0};
    const char *problem;
    bool valid = my_json_valid(data, len), printed = my_json_text(&text, data, len);
    bool rebuilt = my_json_expression(&expression, data, len, &problem);
    if ((printed && !valid) || (rebuilt && !printed) || rebuilt != !problem)
        abort();
    buf_fini(&text);
    buf_fini(&expression);
}

/* Two bytes: length of the document; document; diffs. */
static void update(const uint8_t *data, size_t len)
{
    if (len < 2)
        return;
    size_t size = (size_t)(data[0] << 8 | data[1]);
    size = size < len - 2 ? size : len - 2;
    struct buf out = {0};
    const char *problem;
    bool ok = my_json_apply(&out, data + 2, size, data + 2 + size, len - 2 - size, &problem);
    if (ok != !problem || (ok && !my_json_valid(out.data, out.len)))
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t *exact = malloc(size - 1); /* so that a sanitizer sees what is read beyond it */
    memcpy(exact, data + 1, size - 1);
    switch (data[0]) {
    case FUZZ_VALUE:
        value(exact, size - 1);
        break;
    case FUZZ_JSON:
        document(exact, size - 1);
        break;
    case FUZZ_JSON_UPDATE:
        update(exact, size - 1);
        break;
    default:
        break;
    }
    free(exact);
    return 0;
}
