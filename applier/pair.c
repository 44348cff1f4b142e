#include "applier/pair.h"

#include <string.h>
#include <strings.h>

static int find(struct pair_side side, const char *name, size_t len, bool fold)
{
    for (int i = 0; i < side.count; i++) {
        const char *is = side.name(side.table, i);
        if (strlen(is) == len && (fold ? strncasecmp(is, name, len) : strncmp(is, name, len)) == 0)
            return i;
    }
    return -1;
}

bool pair_has(const int *of, int count, int b)
{
    for (int i = 0; i < count; i++)
        if (of[i] == b)
            return true;
    return false;
}

/* "x=y" at *p, which is moved behind it. */
static enum sc_result take_one(const char **p, struct pair_side a, struct pair_side b, bool fold, int *of,
                               struct sc_error *err)
{
    const char *from = *p;
    size_t len = strcspn(from, ","), from_len = strcspn(from, "=,");
    if (from_len == len || from_len == 0 || from_len + 1 == len) {
        error_set(err, SC_REFUSE, "--map: \"%.*s\" is not COLUMN=COLUMN", (int)len, from);
        return error_hint(err, "Write the column of --table, =, and that of --with; several parted by commas.");
    }
    const char *to = from + from_len + 1;
    size_t to_len = len - from_len - 1;
    int i = find(a, from, from_len, fold), k = find(b, to, to_len, fold);
    if (i < 0)
        return error_set(err, SC_REFUSE, "--map: the table has no column %.*s", (int)from_len, from);
    if (k < 0)
        return error_set(err, SC_REFUSE, "--map: the other table has no column %.*s", (int)to_len, to);
    if (of[i] >= 0 || pair_has(of, a.count, k))
        return error_set(err, SC_REFUSE, "--map names a column twice: %.*s", (int)len, from);
    of[i] = k;
    *p = from + len + (from[len] == ',');
    return SC_OK;
}

enum sc_result pair_columns(const char *map, struct pair_side a, struct pair_side b, bool fold, int *of,
                            struct sc_error *err)
{
    for (int i = 0; i < a.count; i++)
        of[i] = -1;
    enum sc_result result = SC_OK;
    for (const char *p = map; p && *p && result == SC_OK;)
        result = take_one(&p, a, b, fold, of, err);
    for (int i = 0; i < a.count && result == SC_OK; i++) {
        const char *name = a.name(a.table, i);
        int k = of[i] < 0 ? find(b, name, strlen(name), fold) : -1;
        if (k >= 0 && !pair_has(of, a.count, k))
            of[i] = k;
    }
    return result;
}

static bool all_stay(const struct pair_view *v, bool swapped)
{
    for (int i = 0; i < v->count; i++)
        if (v->of[i] >= 0 && !v->stays(v->arg, i, v->of[i], swapped))
            return false;
    return true;
}

bool pair_direction(const struct pair_view *v, bool put_aside, bool *swapped)
{
    bool there = v->find_key(v->arg, false), back = v->find_key(v->arg, true);
    *swapped = back && (put_aside || !there || (!all_stay(v, false) && all_stay(v, true)));
    return v->find_key(v->arg, *swapped);
}
