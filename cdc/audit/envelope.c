#include "cdc/audit/envelope.h"

#include <string.h>

/* Of our own events none is deeper: a schema's fields, their items, their parameters. */
enum { DEEPEST = 32 };

/* Reads JSON from front to back; what is wrong sticks. */
struct scan {
    const char *p, *end;
    bool bad;
};

struct text {
    const char *at;
    size_t len;
};

static bool is(const struct text *t, const char *word)
{
    return t->at && t->len == strlen(word) && memcmp(t->at, word, t->len) == 0;
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

/* The next character that is no blank; 0: none, or all is bad already. */
static char look(struct scan *s)
{
    skip_blanks(s);
    return s->bad || s->p >= s->end ? 0 : *s->p;
}

static bool take(struct scan *s, char c)
{
    if (look(s) != c)
        return false;
    s->p++;
    return true;
}

static void expect(struct scan *s, char c)
{
    if (!take(s, c))
        s->bad = true;
}

/* A string; what is between the quotes, as it stands there. */
static struct text take_string(struct scan *s)
{
    expect(s, '"');
    const char *from = s->p;
    while (!s->bad && s->p < s->end && *s->p != '"') {
        s->bad = (unsigned char)*s->p < 0x20;
        s->p += *s->p == '\\' && s->end - s->p > 1 ? 2 : 1;
    }
    if (s->bad || s->p >= s->end) {
        s->bad = true;
        return (struct text){0};
    }
    return (struct text){from, (size_t)(s->p++ - from)};
}

/* A number, true, false or null: its letters alone. */
static void take_word(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && (*s->p == '-' || *s->p == '+' || *s->p == '.' || (*s->p >= '0' && *s->p <= '9') ||
                             (*s->p >= 'a' && *s->p <= 'z') || (*s->p >= 'A' && *s->p <= 'Z')))
        s->p++;
    s->bad |= s->p == from;
}

/* Any value. Of one that is no object or array the letters; of these the brackets have to match. */
static struct text take_value(struct scan *s)
{
    char closing[DEEPEST];
    int depth = 0;
    look(s);
    const char *from = s->p;
    do {
        char c = look(s);
        if (c == '{' || c == '[') {
            if (depth == DEEPEST) {
                s->bad = true;
                break;
            }
            closing[depth++] = c == '{' ? '}' : ']';
            s->p++;
            if (look(s) == closing[depth - 1]) { /* empty */
                s->p++;
                depth--;
            } else if (c == '{') {
                take_string(s);
                expect(s, ':');
                continue;
            } else {
                continue;
            }
        } else if (c == '"') {
            take_string(s);
        } else {
            take_word(s);
        }
        /* Behind a value: what closes around it, or the next one. */
        while (depth > 0 && !s->bad && look(s) == closing[depth - 1]) {
            s->p++;
            depth--;
        }
        if (depth > 0) {
            expect(s, ',');
            if (closing[depth - 1] == '}') {
                take_string(s);
                expect(s, ':');
            }
        }
    } while (depth > 0 && !s->bad);
    return s->bad ? (struct text){0} : (struct text){from, (size_t)(s->p - from)};
}

/* Members of an object by their names; each of these may be there once. False: no object, or one of them twice. */
static bool members(const struct text *object, const char *const *names, struct text *values, size_t count)
{
    struct scan s = {object->at, object->at + object->len, false};
    memset(values, 0, count * sizeof(*values));
    expect(&s, '{');
    bool first = true;
    while (!s.bad && !take(&s, '}')) {
        if (!first)
            expect(&s, ',');
        first = false;
        struct text name = take_string(&s);
        expect(&s, ':');
        struct text value = take_value(&s);
        for (size_t i = 0; i < count && !s.bad; i++)
            if (is(&name, names[i])) {
                s.bad |= values[i].at != NULL;
                values[i] = value;
            }
    }
    look(&s);
    return !s.bad && s.p == s.end;
}

static bool has(const struct text *t, const char *word)
{
    return memmem(t->at, t->len, word, strlen(word)) != NULL;
}

/* table.c writes it as a text or, of bytes, in base64. */
static bool lacks_values(const struct text *row)
{
    return has(row, "\"__debezium_unavailable_value\"") || has(row, "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\"");
}

bool audit_envelope_read(const void *value, size_t len, struct audit_envelope *out)
{
    static const char *const outer[] = {"schema", "payload", "op"}, *const inner[] = {"op", "after"};
    struct text whole = {value, len}, found[3], parts[2];
    *out = (struct audit_envelope){0};
    if (!value || !members(&whole, outer, found, 3))
        return false;
    if (found[0].at && found[1].at && !found[2].at) {
        out->with_schema = true;
        whole = found[1];
    }
    if (!members(&whole, inner, parts, 2) || parts[0].len != 3 || parts[0].at[0] != '"')
        return false;
    out->op = parts[0].at[1];
    if (!parts[1].at || is(&parts[1], "null"))
        return true;
    if (parts[1].at[0] != '{')
        return false;
    out->after = parts[1].at;
    out->after_len = parts[1].len;
    out->partial = lacks_values(&parts[1]);
    return true;
}

bool audit_key_payload(const void *key, size_t len, bool with_schema, const char **payload, size_t *payload_len)
{
    static const char *const outer[] = {"payload"};
    struct text whole = {key, len}, found[1];
    if (!key || !members(&whole, outer, found, 1))
        return false;
    if (with_schema && (!found[0].at || found[0].at[0] != '{'))
        return false;
    *payload = with_schema ? found[0].at : key;
    *payload_len = with_schema ? found[0].len : len;
    return true;
}
