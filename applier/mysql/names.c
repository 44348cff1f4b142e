/* Names that follow from a migration's id, and the table's name as the operator writes it. */
#include "applier/mysql/names.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "applier/mysql/state.h"
#include "base/plant.h"

#define NAME_CHARACTERS 64

/* MySQL calls constraints that have no name of their own, and each CHECK of a table made LIKE another,
 * "<table>_chk_<number>" and "<table>_ibfk_<number>": they must fit, too. */
#define SERVER_SUFFIX_CHARACTERS 9

/* Bytes of the UTF-8 character at p. */
static size_t character_bytes(const char *p)
{
    unsigned char c = (unsigned char)*p;
    size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1, have = 1;
    while (have < want && ((unsigned char)p[have] & 0xc0) == 0x80)
        have++;
    return have;
}

size_t my_name_characters(const char *name)
{
    size_t count = 0;
    for (const char *p = name; *p; p += character_bytes(p))
        count++;
    return count;
}

/* The name with the suffix behind it. One that would be too long is cut, and what stands in the cut's place sorts
 * behind the character that stood there: locks on several tables are taken in the order of their names, and the
 * source's has to be the first (correctness D3). */
static char *name_with(const char *name, const char *suffix, size_t most)
{
    size_t room = most - my_name_characters(suffix);
    if (my_name_characters(name) <= room)
        return mem_printf("%s%s", name, suffix);
    const char *cut = name;
    for (size_t i = 0; i + 1 < room; i++)
        cut += character_bytes(cut);
    if (PLANTED(D3_CUT_NAMES_SORT_FIRST))
        return mem_printf("%.*s%s", (int)(cut - name), name, suffix);
    return mem_printf("%.*s%s%s", (int)(cut - name), name, (unsigned char)*cut < '~' ? "~" : "\xef\xbf\xbd", suffix);
}

char *my_name_with(const char *name, const char *suffix)
{
    return name_with(name, suffix, NAME_CHARACTERS);
}

char *my_table_name_with(const char *name, const char *suffix)
{
    return name_with(name, suffix, NAME_CHARACTERS - SERVER_SUFFIX_CHARACTERS);
}

static void named(char **slot, const char *name, const char *format_suffix, const char *id)
{
    char suffix[64];
    snprintf(suffix, sizeof(suffix), "%s%s", format_suffix, id);
    mem_free(*slot);
    *slot = my_table_name_with(name, suffix);
}

void my_name_objects(struct target *t, const char *id)
{
    snprintf(t->migration.id, sizeof(t->migration.id), "%s", id);
    named(&t->ghost_name, t->name, MY_NEW_SUFFIX, id);
    named(&t->old_name, t->name, MY_OLD_SUFFIX, id);
    named(&t->stage_name, "", "_seachange_stage_", id);
    mem_free(t->message_prefix);
    t->message_prefix = mem_printf("seachange/%s", id);
}

uint64_t my_hash(const char *text, uint64_t seed)
{
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (const char *p = text; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    return hash;
}

char *my_lock_name(const char *kind, const char *schema, const char *table)
{
    char *both = mem_printf("%s\n%s", schema, table);
    char *name = mem_printf("seachange %s %016" PRIx64, kind, my_hash(both, 0));
    mem_free(both);
    return name;
}

static bool is_plain(const char *name)
{
    const char *p = name;
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    return *name && !*p && strspn(name, "0123456789") < (size_t)(p - name);
}

char *my_shown_name(const char *schema, const char *name)
{
    return is_plain(schema) && is_plain(name) ? mem_printf("%s.%s", schema, name) : my_qualified(schema, name);
}

char *my_literal(const char *text)
{
    struct buf b = {0};
    if (text)
        my_add_literal(&b, text);
    else
        buf_str(&b, "NULL");
    return buf_take(&b);
}

void my_add_source(struct buf *b, const struct target *t)
{
    my_add_qualified(b, t->schema, t->name);
}

void my_add_ghost(struct buf *b, const struct target *t)
{
    my_add_qualified(b, t->ghost_schema ? t->ghost_schema : t->schema, t->ghost_name);
}

void my_add_old(struct buf *b, const struct target *t)
{
    my_add_qualified(b, t->schema, t->old_name);
}

void my_add_state(struct buf *b, const struct target *t, const char *table)
{
    char *name = mem_printf("_seachange_%s", table);
    my_add_qualified(b, t->schema, name);
    mem_free(name);
}

/* One identifier at *p, quoted or not; NULL: there is none. */
static char *identifier(const char **p, bool ansi_quotes)
{
    const char *s = *p;
    if (*s == '`' || (*s == '"' && ansi_quotes)) {
        char quote = *s++;
        struct buf b = {0};
        for (; *s; s++) {
            if (*s == quote && s[1] != quote)
                break;
            if (*s == quote)
                s++;
            buf_char(&b, *s);
        }
        if (*s != quote || b.len == 0) {
            buf_fini(&b);
            return NULL;
        }
        *p = s + 1;
        return buf_take(&b);
    }
    size_t len = 0;
    while (s[len] && s[len] != '.' && s[len] != '`' && s[len] != '"' && s[len] != '\'' && s[len] != ';' &&
           s[len] != '(' && (unsigned char)s[len] > ' ')
        len++;
    *p = s + len;
    return len ? mem_strndup(s, len) : NULL;
}

bool my_parse_table(const char *text, bool ansi_quotes, char **schema, char **name)
{
    *schema = NULL;
    const char *p = text + strspn(text, " \t\n");
    *name = identifier(&p, ansi_quotes);
    if (*name && *p == '.') {
        p++;
        *schema = *name;
        *name = identifier(&p, ansi_quotes);
    }
    p += strspn(p, " \t\n");
    if (*name && !*p)
        return true;
    mem_free(*schema);
    mem_free(*name);
    *schema = *name = NULL;
    return false;
}
