#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/mysql/gtid.h"

void my_domain_position_fini(struct my_domain_position *p)
{
    mem_free(p->items);
    *p = (struct my_domain_position){0};
}

void my_domain_position_copy(struct my_domain_position *to, const struct my_domain_position *from)
{
    struct my_domain_position copy = {0};
    for (size_t i = 0; i < from->count; i++)
        my_domain_position_set(&copy, &from->items[i]);
    my_domain_position_fini(to);
    *to = copy;
}

const struct my_domain_gtid *my_domain_position_find(const struct my_domain_position *p, uint32_t domain)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].domain == domain)
            return &p->items[i];
    return NULL;
}

void my_domain_position_set(struct my_domain_position *p, const struct my_domain_gtid *gtid)
{
    size_t at = 0;
    while (at < p->count && p->items[at].domain < gtid->domain)
        at++;
    if (at == p->count || p->items[at].domain != gtid->domain) {
        if (p->count == p->cap) {
            p->cap = p->cap ? p->cap * 2 : 4;
            p->items = mem_resize(p->items, p->cap * sizeof(*p->items));
        }
        memmove(p->items + at + 1, p->items + at, (p->count - at) * sizeof(*p->items));
        p->count++;
    }
    p->items[at] = *gtid;
}

/* Digits up to `end`, which is then passed over unless it is the NUL. */
static bool number(const char **p, char end, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    const char *start = *p;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        uint64_t digit = (uint64_t)(**p - '0');
        if (v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (*p == start || (end && **p != end))
        return false;
    if (end)
        (*p)++;
    *out = v;
    return true;
}

enum sc_result my_domain_position_parse(struct my_domain_position *p, const char *text, struct sc_error *err)
{
    const char *at = text;
    my_domain_position_fini(p);
    for (;;) {
        uint64_t domain, server, n;
        at += strspn(at, " \t\r\n,");
        if (!*at)
            return SC_OK;
        if (!number(&at, '-', UINT32_MAX, &domain) || !number(&at, '-', UINT32_MAX, &server) ||
            !number(&at, 0, UINT64_MAX, &n) || (*at && !strchr(" \t\r\n,", *at))) {
            my_domain_position_fini(p);
            return error_set(err, SC_FAIL, "\"%.100s\" is not a GTID position of MariaDB", text);
        }
        my_domain_position_set(
            p, &(struct my_domain_gtid){.domain = (uint32_t)domain, .server_id = (uint32_t)server, .number = n});
    }
}

void my_domain_position_print(const struct my_domain_position *p, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++)
        buf_printf(out, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64, i ? "," : "", p->items[i].domain, p->items[i].server_id,
                   p->items[i].number);
}
