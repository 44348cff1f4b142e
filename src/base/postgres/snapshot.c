#include <stdlib.h>
#include <string.h>

#include "base/postgres/conn.h"

static bool read_number(const char **p, uint64_t *out)
{
    uint64_t v = 0;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++)
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
            return false;
    *out = v;
    return true;
}

bool pg_snapshot_parse(const char *text, struct pg_snapshot *out)
{
    *out = (struct pg_snapshot){0};
    const char *p = text;
    if (!read_number(&p, &out->xmin) || *p++ != ':' || !read_number(&p, &out->xmax) || *p++ != ':')
        goto failed;
    size_t commas = 1;
    for (const char *q = p; *q; q++)
        commas += *q == ',';
    out->xip = mem_array(commas, sizeof(*out->xip));
    while (*p) {
        if (!read_number(&p, &out->xip[out->nxip++]) || (*p && (*p++ != ',' || !*p)))
            goto failed;
    }
    return true;
failed:
    pg_snapshot_fini(out);
    return false;
}

void pg_snapshot_fini(struct pg_snapshot *s)
{
    mem_free(s->xip);
    *s = (struct pg_snapshot){0};
}

uint64_t pg_xid_widen(uint32_t xid, uint64_t near)
{
    int32_t distance = (int32_t)(xid - (uint32_t)near);
    return near + (uint64_t)(int64_t)distance;
}

bool pg_snapshot_sees(const struct pg_snapshot *s, uint64_t xid)
{
    if (xid < s->xmin)
        return true;
    if (xid >= s->xmax)
        return false;
    for (size_t i = 0; i < s->nxip; i++)
        if (s->xip[i] == xid)
            return false;
    return true;
}
