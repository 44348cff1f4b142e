#include "applier/mysql/key_text.h"

#include <string.h>

void my_key_write(struct buf *out, const struct key *key)
{
    for (int k = 0; k < key->count; k++)
        buf_printf(out, "%zu:%s,", strlen(key->values[k]), key->values[k]);
}

/* Digits and a colon, without zeros in front. False: none, or more than there is. */
static bool read_length(const char **p, size_t most, size_t *len)
{
    const char *start = *p;
    *len = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        *len = *len * 10 + (size_t)(**p - '0');
        if (*len > most)
            return false;
    }
    return *p > start && (*start != '0' || *p == start + 1) && *(*p)++ == ':';
}

bool my_key_read(const char *text, int count, struct key **out)
{
    *out = NULL;
    if (!text)
        return true;
    struct key *key = mem_alloc(sizeof(*key));
    key->count = count;
    key->values = mem_array((size_t)count, sizeof(*key->values));
    const char *p = text, *end = text + strlen(text);
    bool good = true;
    for (int k = 0; k < count && good; k++) {
        size_t len;
        good = read_length(&p, (size_t)(end - p), &len) && len < (size_t)(end - p) && p[len] == ',';
        if (good) {
            key->values[k] = mem_strndup(p, len);
            p += len + 1;
        }
    }
    if (good && p == end)
        *out = key;
    else
        key_free(key);
    return *out != NULL;
}
