#include "cdc/mysql/gtid.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/reader.h"

void my_gtid_set_fini(struct my_gtid_set *set)
{
    for (size_t i = 0; i < set->nsources; i++)
        mem_free(set->sources[i].intervals);
    mem_free(set->sources);
    *set = (struct my_gtid_set){0};
}

static int compare_source(const struct my_gtid_source *s, const uint8_t *uuid, const char *tag)
{
    int order = memcmp(s->uuid, uuid, sizeof(s->uuid));
    return order ? order : strcmp(s->tag, tag);
}

/* The first source that is not before (uuid, tag). */
static size_t lower_bound(const struct my_gtid_set *set, const uint8_t *uuid, const char *tag)
{
    size_t low = 0, high = set->nsources;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_source(&set->sources[middle], uuid, tag) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct my_gtid_source *find(const struct my_gtid_set *set, const uint8_t *uuid, const char *tag)
{
    size_t at = lower_bound(set, uuid, tag);
    return at < set->nsources && compare_source(&set->sources[at], uuid, tag) == 0 ? &set->sources[at] : NULL;
}

static struct my_gtid_source *find_or_add(struct my_gtid_set *set, const uint8_t *uuid, const char *tag)
{
    size_t at = lower_bound(set, uuid, tag);
    if (at < set->nsources && compare_source(&set->sources[at], uuid, tag) == 0)
        return &set->sources[at];
    if (set->nsources == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 4;
        set->sources = mem_resize(set->sources, set->cap * sizeof(*set->sources));
    }
    struct my_gtid_source *s = &set->sources[at];
    memmove(s + 1, s, (set->nsources - at) * sizeof(*s));
    set->nsources++;
    *s = (struct my_gtid_source){0};
    memcpy(s->uuid, uuid, sizeof(s->uuid));
    memcpy(s->tag, tag, strlen(tag) + 1);
    return s;
}

/* Adds [first, end), first < end. */
static void add_interval(struct my_gtid_source *s, uint64_t first, uint64_t end)
{
    /* Nearly always the next number behind the last interval. */
    size_t at = s->nintervals;
    while (at > 0 && s->intervals[at - 1].end >= first)
        at--;
    /* From `at` on all end at or behind `first`: those that begin at or before `end` melt into the new one. */
    size_t upto = at;
    while (upto < s->nintervals && s->intervals[upto].first <= end) {
        if (s->intervals[upto].first < first)
            first = s->intervals[upto].first;
        if (s->intervals[upto].end > end)
            end = s->intervals[upto].end;
        upto++;
    }
    if (upto == at && s->nintervals == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 2;
        s->intervals = mem_resize(s->intervals, s->cap * sizeof(*s->intervals));
    }
    memmove(s->intervals + at + 1, s->intervals + upto, (s->nintervals - upto) * sizeof(*s->intervals));
    s->nintervals = s->nintervals - (upto - at) + 1;
    s->intervals[at] = (struct my_gtid_interval){first, end};
}

void my_gtid_set_add(struct my_gtid_set *set, const struct my_gtid *gtid)
{
    add_interval(find_or_add(set, gtid->uuid, gtid->tag), gtid->number, gtid->number + 1);
}

void my_gtid_set_unite(struct my_gtid_set *set, const struct my_gtid_set *other)
{
    for (size_t i = 0; i < other->nsources; i++) {
        const struct my_gtid_source *from = &other->sources[i];
        struct my_gtid_source *to = find_or_add(set, from->uuid, from->tag);
        for (size_t j = 0; j < from->nintervals; j++)
            add_interval(to, from->intervals[j].first, from->intervals[j].end);
    }
}

void my_gtid_set_copy(struct my_gtid_set *to, const struct my_gtid_set *from)
{
    struct my_gtid_set copy = {0};
    my_gtid_set_unite(&copy, from);
    my_gtid_set_fini(to);
    *to = copy;
}

static bool covers(const struct my_gtid_source *s, uint64_t first, uint64_t end)
{
    for (size_t i = s ? s->nintervals : 0; i > 0; i--)
        if (s->intervals[i - 1].first <= first)
            return s->intervals[i - 1].end >= end;
    return false;
}

bool my_gtid_set_contains(const struct my_gtid_set *set, const struct my_gtid *gtid)
{
    return covers(find(set, gtid->uuid, gtid->tag), gtid->number, gtid->number + 1);
}

bool my_gtid_set_is_subset(const struct my_gtid_set *part, const struct my_gtid_set *whole)
{
    for (size_t i = 0; i < part->nsources; i++) {
        const struct my_gtid_source *s = &part->sources[i], *in = find(whole, s->uuid, s->tag);
        for (size_t j = 0; j < s->nintervals; j++)
            if (!covers(in, s->intervals[j].first, s->intervals[j].end))
                return false;
    }
    return true;
}

bool my_gtid_set_equal(const struct my_gtid_set *a, const struct my_gtid_set *b)
{
    return my_gtid_set_is_subset(a, b) && my_gtid_set_is_subset(b, a);
}

/* --- text --- */

static enum sc_result not_a_set(struct my_gtid_set *set, struct sc_error *err, const char *text)
{
    my_gtid_set_fini(set);
    return error_set(err, SC_FAIL, "\"%.100s\" is not a GTID set", text);
}

static void skip_blanks(const char **p)
{
    while (isspace((unsigned char)**p))
        (*p)++;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_uuid(const char **p, uint8_t *uuid)
{
    for (int i = 0; i < 16; i++) {
        int high = hex_digit((*p)[0]), low = high < 0 ? -1 : hex_digit((*p)[1]);
        if (low < 0)
            return false;
        uuid[i] = (uint8_t)(high << 4 | low);
        *p += 2;
        if ((i == 3 || i == 5 || i == 7 || i == 9) && *(*p)++ != '-')
            return false;
    }
    return true;
}

static bool parse_number(const char **p, uint64_t *number)
{
    skip_blanks(p);
    uint64_t v = 0;
    if (!isdigit((unsigned char)**p))
        return false;
    while (isdigit((unsigned char)**p)) {
        if (v > INT64_MAX / 10)
            return false;
        v = v * 10 + (uint64_t)(*(*p)++ - '0');
    }
    skip_blanks(p);
    *number = v;
    return v > 0 && v < INT64_MAX;
}

bool my_gtid_is_tag(const char *text, size_t len)
{
    if (len == 0 || len >= MY_TAG_SIZE || (text[0] >= '0' && text[0] <= '9'))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= '0' && text[i] <= '9') && text[i] != '_')
            return false;
    return true;
}

static bool parse_tag(const char **p, char *tag)
{
    size_t len = 0;
    while (isalnum((unsigned char)**p) || **p == '_') {
        if (len + 1 >= MY_TAG_SIZE)
            return false;
        tag[len++] = (char)tolower((unsigned char)*(*p)++);
    }
    tag[len] = 0;
    skip_blanks(p);
    return len > 0;
}

enum sc_result my_gtid_set_parse(struct my_gtid_set *set, const char *text, struct sc_error *err)
{
    const char *p = text;
    my_gtid_set_fini(set);
    for (;;) {
        uint8_t uuid[16];
        char tag[MY_TAG_SIZE] = "";
        for (skip_blanks(&p); *p == ','; skip_blanks(&p))
            p++;
        if (!*p)
            return SC_OK;
        if (!parse_uuid(&p, uuid))
            return not_a_set(set, err, text);
        skip_blanks(&p);
        /* Intervals and tags alternate; a tag is for the intervals behind it. */
        while (*p == ':') {
            p++;
            skip_blanks(&p);
            if (isalpha((unsigned char)*p) || *p == '_') {
                if (!parse_tag(&p, tag))
                    return not_a_set(set, err, text);
                continue;
            }
            uint64_t first, last;
            if (!parse_number(&p, &first))
                return not_a_set(set, err, text);
            last = first;
            if (*p == '-') {
                p++;
                if (!parse_number(&p, &last))
                    return not_a_set(set, err, text);
            }
            if (last >= first)
                add_interval(find_or_add(set, uuid, tag), first, last + 1);
        }
        if (*p && *p != ',')
            return not_a_set(set, err, text);
    }
}

static void print_uuid(const uint8_t *uuid, struct buf *out)
{
    for (int i = 0; i < 16; i++)
        buf_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

void my_gtid_set_print(const struct my_gtid_set *set, struct buf *out)
{
    const struct my_gtid_source *before = NULL;
    for (size_t i = 0; i < set->nsources; i++) {
        const struct my_gtid_source *s = &set->sources[i];
        if (s->nintervals == 0)
            continue;
        /* The server writes a uuid once, with its tags behind. */
        if (!before || memcmp(before->uuid, s->uuid, sizeof(s->uuid)) != 0) {
            if (before)
                buf_char(out, ',');
            print_uuid(s->uuid, out);
        }
        if (s->tag[0])
            buf_printf(out, ":%s", s->tag);
        for (size_t j = 0; j < s->nintervals; j++) {
            buf_printf(out, ":%" PRIu64, s->intervals[j].first);
            if (s->intervals[j].end > s->intervals[j].first + 1)
                buf_printf(out, "-%" PRIu64, s->intervals[j].end - 1);
        }
        before = s;
    }
}

void my_gtid_print(const struct my_gtid *gtid, struct buf *out)
{
    print_uuid(gtid->uuid, out);
    if (gtid->tag[0])
        buf_printf(out, ":%s", gtid->tag);
    buf_printf(out, ":%" PRIu64, gtid->number);
}

/* --- binary form (MySQL: Gtid_set::encode) --- */

/* The first 8 bytes: the number of sources, or, with tags, 1 in the first and last byte and the number between. */
enum { FORMAT_TAGGED = 1 };

static void put_u64_le(struct buf *out, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        buf_u8(out, (uint8_t)(v >> 8 * i));
}

void my_gtid_set_encode(const struct my_gtid_set *set, struct buf *out)
{
    bool tagged = false;
    size_t count = 0;
    for (size_t i = 0; i < set->nsources; i++) {
        if (set->sources[i].nintervals == 0)
            continue;
        count++;
        tagged |= set->sources[i].tag[0] != 0;
    }
    if (tagged)
        put_u64_le(out, (uint64_t)FORMAT_TAGGED << 56 | (uint64_t)count << 8 | FORMAT_TAGGED);
    else
        put_u64_le(out, count);
    for (size_t i = 0; i < set->nsources; i++) {
        const struct my_gtid_source *s = &set->sources[i];
        if (s->nintervals == 0)
            continue;
        buf_bytes(out, s->uuid, sizeof(s->uuid));
        if (tagged) {
            size_t len = strlen(s->tag);
            buf_u8(out, (uint8_t)(len << 1)); /* a number of variable length, below 64 */
            buf_bytes(out, s->tag, len);
        }
        put_u64_le(out, s->nintervals);
        for (size_t j = 0; j < s->nintervals; j++) {
            put_u64_le(out, s->intervals[j].first);
            put_u64_le(out, s->intervals[j].end);
        }
    }
}

static enum sc_result not_encoded(struct my_gtid_set *set, struct sc_error *err)
{
    my_gtid_set_fini(set);
    return error_set(err, SC_FAIL, "a GTID set of the server's cannot be read");
}

enum sc_result my_gtid_set_decode(struct my_gtid_set *set, const void *data, size_t len, struct sc_error *err)
{
    struct reader r = reader_of(data, len);
    my_gtid_set_fini(set);
    uint64_t count = read_u64_le(&r);
    bool tagged = count >> 56 == FORMAT_TAGGED && (count & 0xff) == FORMAT_TAGGED;
    if (tagged)
        count = count << 8 >> 16;
    for (uint64_t i = 0; i < count; i++) {
        char tag[MY_TAG_SIZE] = "";
        const char *uuid = read_bytes(&r, 16);
        if (tagged) {
            size_t tag_len = read_u8(&r);
            const char *text = tag_len & 1 || tag_len >> 1 >= MY_TAG_SIZE ? NULL : read_bytes(&r, tag_len >> 1);
            if (!text || (tag_len && !my_gtid_is_tag(text, tag_len >> 1)))
                return not_encoded(set, err);
            memcpy(tag, text, tag_len >> 1);
        }
        uint64_t nintervals = read_u64_le(&r);
        if (!uuid || !reader_ok(&r) || nintervals > reader_left(&r) / 16)
            return not_encoded(set, err);
        uint64_t before = 0;
        for (uint64_t j = 0; j < nintervals; j++) {
            uint64_t first = read_u64_le(&r), end = read_u64_le(&r);
            if (first <= before || end <= first || end > INT64_MAX)
                return not_encoded(set, err);
            add_interval(find_or_add(set, (const uint8_t *)uuid, tag), first, end);
            before = end;
        }
    }
    return reader_done(&r) ? SC_OK : not_encoded(set, err);
}
