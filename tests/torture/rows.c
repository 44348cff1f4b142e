#include "torture/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading */

static bool read_table(struct world *world, struct session *session, const char *table, bool dead,
                       struct rows_read *into)
{
    const struct family *family = world->shape.family;
    if (session_run(session, "SELECT %s, %s FROM %s", family->select,
                    dead ? "deleter" : family->key_texts[world->shape.key], table) != SQL_OK) {
        world_error(world, "table %s cannot be read: %s", table, session->error);
        return false;
    }
    size_t more = (size_t)session->rows.count;
    into->items = mem_resize(into->items, (into->count + more + 1) * sizeof(struct row));
    for (size_t i = 0; i < more; i++) {
        struct row *row = &into->items[into->count + i];
        *row = (struct row){.birth = session_number(session, (int)i, COL_BIRTH), .dead = dead};
        for (int column = 0; column < COLUMNS; column++)
            row->values[column] = mem_strdup(session_value(session, (int)i, column));
    }
    into->count += more;
    return true;
}

static int by_birth(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->birth < y->birth ? -1 : x->birth > y->birth ? 1 : 0;
}

static void sort(struct rows_read *rows)
{
    if (rows->count)
        qsort(rows->items, rows->count, sizeof(struct row), by_birth);
}

bool content_read(struct world *world, const char *old_table, struct content *content)
{
    struct session session;
    *content = (struct content){0};
    if (!session_open(&session, world->shape.family->sql, world->url)) {
        world_error(world, "the database cannot be reached in the end: %s", session.error);
        return false;
    }
    bool fine = read_table(world, &session, "t", false, &content->all) &&
                read_table(world, &session, "graves", true, &content->all) &&
                (!old_table || read_table(world, &session, old_table, false, &content->old));
    session_close(&session);
    sort(&content->all);
    sort(&content->old);
    return fine;
}

static void free_rows(struct rows_read *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        for (int column = 0; column < COLUMNS; column++)
            mem_free(rows->items[i].values[column]);
    mem_free(rows->items);
    *rows = (struct rows_read){0};
}

void content_fini(struct content *content)
{
    free_rows(&content->all);
    free_rows(&content->old);
}

const struct row *rows_find(const struct rows_read *rows, int64_t birth)
{
    struct row wanted = {.birth = birth};
    return rows->count ? bsearch(&wanted, rows->items, rows->count, sizeof(wanted), by_birth) : NULL;
}

/* --- a row by its trail */

bool trail_next(const char **trail, int *client, uint32_t *number)
{
    unsigned c, n;
    int len = 0;
    if (sscanf(*trail, ":%u.%u%n", &c, &n, &len) != 2 || len == 0 || c >= CLIENTS_MOST)
        return false;
    *trail += len;
    *client = (int)c;
    *number = n;
    return true;
}

bool trail_begins(const char *trail, const char *with, size_t len)
{
    return strncmp(trail, with, len) == 0 && (trail[len] == '\0' || trail[len] == ':');
}

void expected_touch(struct expected *e, const struct touch *t, int client, uint32_t number)
{
    e->bal += t->delta;
    if (t->slot != NOT_SET)
        e->slot = t->slot;
    if (t->n != NOT_SET)
        e->n = t->n;
    if (t->content) {
        e->content_client = client;
        e->content_number = number;
    }
}

void row_name(char text[ROW_NAME], int64_t birth)
{
    snprintf(text, ROW_NAME, "row %" PRId64 ".%" PRId64 "/%" PRId64, birth >> 40, (birth >> 12) & 0xfffffff,
             birth & 0xfff);
}
