/* Triggers.
 *
 * While it is filled the ghost must have none: they would run for what the source's have done already. So they are
 * made under the cutover's lock, when nothing is applied any more, and before the swap: there is no moment in which the
 * live table lacks one, or has two. Their names are unique in the database, and the old table keeps its own: so they
 * get "_seachange_<id>" behind theirs, unless it is such a name already whose first part is free again.
 *
 * A cutover that goes no further than this must take them off again before anything is applied. The target remembers
 * that they are being made, and whoever opens a session for it takes them off first; a process that died is followed
 * by one that takes them off when it begins. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "base/plant.h"

static const char triggers_sql[] =
    "SELECT TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, DEFINER, SQL_MODE,"
    " CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = %s AND "
    "EVENT_OBJECT_TABLE = %s ORDER BY EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER";

enum column { NAME, TIMING, EVENT, DEFINER, SQL_MODE, CHARSET, COLLATION };

/* Length of the name without what an earlier migration put behind it. */
static size_t base_length(const char *name)
{
    static const char suffix[] = "_seachange_";
    size_t len = strlen(name), end = sizeof(suffix) - 1 + 8;
    if (len <= end || strncmp(name + len - end, suffix, sizeof(suffix) - 1) != 0 ||
        strspn(name + len - 8, "0123456789abcdef") != 8)
        return len;
    return len - end;
}

static enum sc_result new_trigger_name(struct target *t, const char *name, char **out, struct sc_error *err)
{
    char *base = mem_strndup(name, base_length(name)), *taken = NULL;
    enum sc_result result = SC_OK;
    if (strlen(base) < strlen(name)) {
        char *s = my_literal(t->schema), *b = my_literal(base);
        result = my_valuef(t->control, err, &taken,
                           "SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND TRIGGER_NAME = %s",
                           s, b);
        mem_free(s);
        mem_free(b);
    }
    char suffix[32] = "";
    if (taken || strlen(base) == strlen(name))
        snprintf(suffix, sizeof(suffix), "_seachange_%s", t->migration.id);
    *out = my_name_with(base, suffix);
    mem_free(base);
    mem_free(taken);
    return result;
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

static void add_definer(struct buf *sql, const char *definer)
{
    const char *at = strrchr(definer, '@');
    if (!at)
        return;
    char *user = mem_strndup(definer, (size_t)(at - definer));
    buf_str(sql, "DEFINER = ");
    my_add_ident(sql, user);
    buf_char(sql, '@');
    my_add_ident(sql, at + 1);
    buf_char(sql, ' ');
    mem_free(user);
}

/* A trigger is stored with the settings of the session that made it. */
static void capture_settings(struct target *t, MYSQL_ROW row)
{
    struct buf sql = {0};
    buf_str(&sql, "SET SESSION sql_mode = ");
    my_add_literal(&sql, row[SQL_MODE]);
    buf_printf(&sql, ", character_set_client = %s, collation_connection = %s", row[CHARSET], row[COLLATION]);
    my_todo_add(t, MY_STAGE_CUTOVER, "settings of a trigger", buf_cstr(&sql));
    buf_fini(&sql);
}

/* Behind blanks and comments. */
static const char *skip_blank(const char *p)
{
    for (;;) {
        if (*p == '#' || (p[0] == '-' && p[1] == '-' && isspace((unsigned char)p[2])))
            p += strcspn(p, "\n");
        else if (p[0] == '/' && p[1] == '*' && strstr(p + 2, "*/"))
            p = strstr(p + 2, "*/") + 2;
        else if (isspace((unsigned char)*p))
            p++;
        else
            return p;
    }
}

/* Behind one word, quoted name or other character. */
static const char *skip_token(const char *p)
{
    if (*p == '`' || *p == '"' || *p == '\'') {
        char quote = *p++;
        while (*p && !(*p == quote && p[1] != quote))
            p += *p == quote ? 2 : 1;
        return *p ? p + 1 : p;
    }
    if (!isalnum((unsigned char)*p) && *p != '_' && (unsigned char)*p < 0x80)
        return p + (*p != 0);
    while (isalnum((unsigned char)*p) || *p == '_' || *p == '$' || (unsigned char)*p >= 0x80)
        p++;
    return p;
}

static bool is_word(const char *p, const char *word)
{
    return strncasecmp(p, word, strlen(word)) == 0 && skip_token(p) == p + strlen(word);
}

/* What a trigger does: behind FOR EACH ROW, and behind its place among others, which is taken care of by the order in
 * which they are made. NULL: not found. */
static const char *body_of(const char *create)
{
    static const char *const words[] = {"FOR", "EACH", "ROW"};
    int seen = 0;
    const char *p = skip_blank(create);
    while (*p && seen < 3) {
        seen = is_word(p, words[seen]) ? seen + 1 : 0;
        p = skip_blank(skip_token(p));
    }
    if (is_word(p, "FOLLOWS") || is_word(p, "PRECEDES"))
        p = skip_blank(skip_token(skip_blank(skip_token(p))));
    return *p ? p : NULL;
}

/* As it was written; what information_schema has of it loses quotes in texts. */
static enum sc_result read_body(struct target *t, const char *name, char **out, struct sc_error *err)
{
    char *qualified = my_qualified(t->schema, name);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_queryf(t->control, err, &res, "SHOW CREATE TRIGGER %s", qualified);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    const char *create = row ? my_column_text(res, row, "SQL Original Statement") : NULL;
    *out = create ? mem_strdup(body_of(create)) : NULL;
    if (result == SC_OK && !*out)
        result = error_set(err, SC_REFUSE, "the server does not show what trigger %s does", name);
    mysql_free_result(res);
    mem_free(qualified);
    return result;
}

static enum sc_result capture(struct target *t, MYSQL_ROW row, struct plan *plan, struct sc_error *err)
{
    char *name = NULL, *body = NULL;
    enum sc_result result = read_body(t, row[NAME], &body, err);
    if (result == SC_OK && strncmp(row[CHARSET], "utf8", 4) != 0 && !is_ascii(body))
        result = error_set(err, SC_REFUSE,
                           "trigger %s was written in character set %s and is not plain ASCII: it cannot be carried "
                           "over",
                           row[NAME], row[CHARSET]);
    if (result == SC_OK)
        result = new_trigger_name(t, row[NAME], &name, err);
    if (result == SC_OK) {
        struct buf sql = {0};
        capture_settings(t, row);
        buf_str(&sql, "CREATE ");
        add_definer(&sql, row[DEFINER]);
        buf_str(&sql, "TRIGGER ");
        my_add_qualified(&sql, t->schema, name);
        buf_printf(&sql, " %s %s ON ", row[TIMING], row[EVENT]);
        my_add_ghost(&sql, t);
        buf_printf(&sql, " FOR EACH ROW %s", body);
        char *what = mem_printf("trigger %s", row[NAME]);
        my_todo_add(t, MY_STAGE_CUTOVER, what, buf_cstr(&sql));
        mem_free(what);
        buf_fini(&sql);
        if (plan)
            strlist_addf(&plan->notes, "trigger %s: made on the new table in the cutover, as %s", row[NAME], name);
    }
    mem_free(name);
    mem_free(body);
    return result;
}

enum sc_result my_triggers_capture(struct target *t, struct plan *plan, struct sc_error *err)
{
    char *s = my_literal(t->schema), *n = my_literal(t->name);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_queryf(t->control, err, &res, triggers_sql, s, n);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;)
        result = capture(t, row, plan, err);
    mysql_free_result(res);
    mem_free(s);
    mem_free(n);
    return result;
}

static void set_made(struct target *t, bool made)
{
    pthread_mutex_lock(&t->lock);
    t->triggers_made = made;
    pthread_mutex_unlock(&t->lock);
}

static bool are_made(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    bool made = t->triggers_made;
    pthread_mutex_unlock(&t->lock);
    return made;
}

/* The session's own settings again; what it was opened with is written there. */
static enum sc_result run_all(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(conn, err, &res,
                                     "SELECT @@SESSION.sql_mode, @@SESSION.character_set_client,"
                                     " @@SESSION.collation_connection, @@SESSION.character_set_results");
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    for (int i = 0; i < t->ntodo && result == SC_OK; i++)
        if (t->todo[i].stage == MY_STAGE_CUTOVER && (result = my_run(conn, err, t->todo[i].sql)) != SC_OK)
            error_wrap(err, "%s", t->todo[i].name);
    if (row && my_alive(conn)) {
        char *mode = my_literal(row[0]);
        struct sc_error again;
        enum sc_result reset =
            my_runf(conn, &again, "SET SESSION sql_mode = %s, character_set_client = %s, collation_connection = %s",
                    mode, row[1], row[2]);
        mem_free(mode);
        if (result == SC_OK && reset != SC_OK) {
            *err = again;
            result = reset;
        }
    }
    mysql_free_result(res);
    return result;
}

enum sc_result my_triggers_make(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    bool any = false;
    for (int i = 0; i < t->ntodo; i++)
        any = any || t->todo[i].stage == MY_STAGE_CUTOVER;
    if (!any || PLANTED(D8_TRIGGERS_NOT_CARRIED))
        return SC_OK;
    set_made(t, true);
    return run_all(t, conn, err);
}

void my_triggers_swapped(struct target *t)
{
    set_made(t, false);
}

static enum sc_result drop_all(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    char *s = my_literal(t->schema), *n = my_literal(t->ghost_name);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_queryf(conn, err, &res, triggers_sql, s, n);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;) {
        char *name = my_qualified(t->schema, row[NAME]);
        result = my_runf(conn, err, "DROP TRIGGER %s", name);
        mem_free(name);
    }
    mysql_free_result(res);
    mem_free(s);
    mem_free(n);
    return result;
}

enum sc_result my_triggers_drop(struct target *t, struct my_conn *conn, bool whatever, struct sc_error *err)
{
    if (!whatever && !are_made(t))
        return SC_OK;
    enum sc_result result = drop_all(t, conn, err);
    if (result == SC_OK)
        set_made(t, false);
    else
        error_wrap(err, "triggers that the new table must not have yet cannot be taken off");
    return result;
}
