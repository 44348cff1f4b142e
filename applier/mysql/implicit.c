/* What a column that is NOT NULL without a default gets in the rows that are there when it is added (manual, Data Type
 * Default Values: implicit defaults). */
#include <string.h>
#include <strings.h>

#include "applier/mysql/ghost.h"

enum values { ZERO, EMPTY, EMPTY_EXPRESSION, JSON_NULL, FIRST, ZERO_DATE, ZERO_TIME };

static const struct {
    const char *type;
    enum values value;
} implicit[] = {
    {"tinyint", ZERO},
    {"smallint", ZERO},
    {"mediumint", ZERO},
    {"int", ZERO},
    {"bigint", ZERO},
    {"decimal", ZERO},
    {"float", ZERO},
    {"double", ZERO},
    {"bit", ZERO},
    {"year", ZERO},
    {"char", EMPTY},
    {"varchar", EMPTY},
    {"binary", EMPTY},
    {"varbinary", EMPTY},
    {"set", EMPTY},
    {"tinytext", EMPTY_EXPRESSION},
    {"text", EMPTY_EXPRESSION},
    {"mediumtext", EMPTY_EXPRESSION},
    {"longtext", EMPTY_EXPRESSION},
    {"tinyblob", EMPTY_EXPRESSION},
    {"blob", EMPTY_EXPRESSION},
    {"mediumblob", EMPTY_EXPRESSION},
    {"longblob", EMPTY_EXPRESSION},
    {"json", JSON_NULL},
    {"enum", FIRST},
    {"time", ZERO_TIME},
    {"date", ZERO_DATE},
    {"datetime", ZERO_DATE},
    {"timestamp", ZERO_DATE},
};

const char *my_implicit_default(struct target *t, const struct my_column *column)
{
    size_t i = 0, count = sizeof(implicit) / sizeof(implicit[0]);
    while (i < count && strcasecmp(implicit[i].type, column->data_type) != 0)
        i++;
    if (i == count)
        return NULL;
    /* JSON of MariaDB: an empty text is none. */
    if (strstr(column->definition, "json_valid("))
        return NULL;
    switch (implicit[i].value) {
    case ZERO:
        return "0";
    case EMPTY:
        return "''";
    case EMPTY_EXPRESSION:
        return "(CONCAT(''))"; /* MySQL takes no literal for these, not even in brackets */
    case JSON_NULL:
        return "(JSON_EXTRACT('null', '$'))";
    case ZERO_TIME:
        return "'00:00:00'";
    case ZERO_DATE:
        if (t->server.sql_mode && strstr(t->server.sql_mode, "NO_ZERO_DATE"))
            return NULL;
        return strcasecmp(column->data_type, "date") == 0 ? "'0000-00-00'" : "'0000-00-00 00:00:00'";
    case FIRST:
        break;
    }
    struct buf b = {0};
    if (column->nmembers == 0)
        return NULL;
    my_add_text(&b, column->members[0]);
    const char *text = arena_strdup(&t->arena, buf_cstr(&b));
    buf_fini(&b);
    return text;
}
