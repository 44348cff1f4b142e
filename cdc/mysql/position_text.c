#include "cdc/mysql/position_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FROM " xa="

_Static_assert(2 * (MY_LOG_FILE_SIZE + sizeof(":1099511627775")) + sizeof(FROM) <= POSITION_TEXT, "both places fit");

enum sc_result my_position_stored(const char *order, const char *text, struct position *out, struct sc_error *err)
{
    *out = (struct position){0};
    if (!order && !text)
        return SC_OK;
    struct my_log_position at, from;
    char *gtids = NULL, *end = NULL;
    bool fits = order && *order >= '0' && *order <= '9' && text && strlen(text) < sizeof(out->text);
    if (fits) {
        out->order = strtoull(order, &end, 10);
        memcpy(out->text, text, strlen(text) + 1);
        fits = !*end && my_position_read(out, &at, &from, &gtids, err) == SC_OK &&
               my_log_position_order(&at) == out->order;
    }
    mem_free(gtids);
    if (fits)
        return SC_OK;
    *out = (struct position){0};
    error_set(err, SC_FAIL, "the stored place in the binary log, \"%.100s\", cannot be read", text ? text : "");
    return error_hint(err, "What is stored of the migration is damaged, so it cannot be completed. The source is "
                           "untouched: abort the migration and start it again.");
}

enum sc_result my_position_read(const struct position *position, struct my_log_position *at,
                                struct my_log_position *from, char **gtids, struct sc_error *err)
{
    *gtids = NULL;
    struct position place = *position;
    char *rest = strstr(place.text, FROM);
    const char *told = "";
    enum sc_result result = SC_OK;
    if (rest) {
        struct position read_from = {0};
        snprintf(read_from.text, sizeof(read_from.text), "%s", rest + strlen(FROM));
        *rest = 0;
        result = my_log_position_parse(from, &read_from, NULL, err);
    }
    if (result == SC_OK)
        result = my_log_position_parse(at, &place, &told, err);
    if (result != SC_OK)
        return result;
    if (!rest)
        *from = *at;
    *gtids = mem_strdup(told);
    return SC_OK;
}

void my_position_write(const struct my_log_position *at, const struct my_log_position *from, const char *gtids,
                       struct position *out)
{
    char rest[MY_LOG_FILE_SIZE + 32] = "";
    if (from)
        snprintf(rest, sizeof(rest), FROM "%s:%" PRIu64, from->file, from->offset);
    my_log_position_make(at, gtids, out);
    if (strlen(out->text) + strlen(rest) >= sizeof(out->text))
        my_log_position_make(at, NULL, out);
    size_t len = strlen(out->text);
    snprintf(out->text + len, sizeof(out->text) - len, "%s", rest);
}
