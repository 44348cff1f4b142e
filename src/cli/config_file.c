/* The file of --config: lines of `key = value`. A value is the rest of its line, as it is: nothing in an ALTER or a URL
 * needs quoting, and quotes belong to it. Comments have their own lines, because # may stand in both. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/url.h"
#include "cli/options.h"
#include "cli/values.h"

#define FILE_LIMIT (1024 * 1024)

static enum sc_result read_whole(const char *path, struct buf *out, struct sc_error *err)
{
    char *shown = url_redacted(path); /* somebody may give a URL here */
    FILE *file = fopen(path, "re");
    enum sc_result result = SC_OK;
    if (!file) {
        result = error_set(err, SC_REFUSE, "cannot open the file of --config, %s: %s", shown, strerror(errno));
        mem_free(shown);
        return result;
    }
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0 && out->len <= FILE_LIMIT)
        buf_bytes(out, piece, n);
    if (ferror(file))
        result = error_set(err, SC_REFUSE, "cannot read the file of --config, %s: %s", shown, strerror(errno));
    else if (out->len > FILE_LIMIT)
        result = error_set(err, SC_REFUSE, "the file of --config, %s, is larger than 1 MiB", shown);
    else if (memchr(buf_cstr(out), 0, out->len))
        result = error_set(err, SC_REFUSE, "the file of --config, %s, is not a text file", shown);
    fclose(file);
    mem_free(shown);
    return result;
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        text[--len] = 0;
    return text;
}

static enum sc_result unknown_key(const char *where, const char *key, struct sc_error *err)
{
    const char *names[OPTION_MAX];
    for (size_t i = 0; i < option_count; i++)
        names[i] = option_table[i].name;
    const char *near = nearest_word(key + strspn(key, "-"), names, option_count);
    char *shown = url_redacted(key); /* a URL without `source =` in front */
    error_set(err, SC_REFUSE, "%s: unknown key \"%.60s\"", where, shown);
    mem_free(shown);
    return near ? error_hint(err, "Did you mean %s?", near) : SC_REFUSE;
}

static enum sc_result read_line(struct options *o, const char *path, int number, char *line, int *seen,
                                struct sc_error *err)
{
    char where[400];
    snprintf(where, sizeof(where), "%.300s:%d", path, number);
    line = trimmed(line);
    if (!*line || *line == '#')
        return SC_OK;
    char *equals = strchr(line, '=');
    if (!equals) {
        error_set(err, SC_REFUSE, "%s: no \"=\" in this line", where);
        return error_hint(err, "Write `key = value`; a comment begins with #.");
    }
    *equals = 0;
    const char *key = trimmed(line), *value = trimmed(equals + 1);
    int index = option_find(key, strlen(key));
    if (index < 0)
        return unknown_key(where, key, err);
    if (strcmp(key, "config") == 0)
        return error_set(err, SC_REFUSE, "%s: a file cannot name another with \"config\"", where);
    if (seen[index] && option_table[index].type != OPTION_LIST)
        return error_set(err, SC_REFUSE, "%s: \"%s\" is given twice, first in line %d", where, key, seen[index]);
    seen[index] = number;
    size_t len = strlen(where);
    snprintf(where + len, sizeof(where) - len, ": %s", key);
    return option_store(o, index, value, ORIGIN_FILE, where, err);
}

enum sc_result options_read_text(struct options *o, const char *path, char *text, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    int seen[OPTION_MAX] = {0}, number = 0;
    char *line = text;
    if (strncmp(line, "\xef\xbb\xbf", 3) == 0) /* what some editors put in front of UTF-8 */
        line += 3;
    while (result == SC_OK && line) {
        char *end = strchr(line, '\n');
        if (end)
            *end = 0;
        result = read_line(o, path, ++number, line, seen, err);
        line = end ? end + 1 : NULL;
    }
    return result;
}

enum sc_result options_read_file(struct options *o, const char *path, struct sc_error *err)
{
    struct buf text = {0};
    enum sc_result result = read_whole(path, &text, err);
    if (result == SC_OK && text.len > 0)
        result = options_read_text(o, path, text.data, err);
    buf_fini(&text);
    return result;
}
