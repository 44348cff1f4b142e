#include <string.h>

#include "cli/common.h"
#include "cli/show.h"

enum { COLUMNS = 6, WIDEST = 48 };

static const char *const titles[COLUMNS] = {"ID", "TABLE", "PHASE", "STARTED", "UPDATED", "OWNER"};
static const char *const stream_titles[COLUMNS] = {"STREAM", "ID", "TABLES", "STARTED", "UPDATED", "OWNER"};

/* One line of a table. */
struct cells {
    const char *text[COLUMNS];
};

static void row_of(const struct listed *l, struct cells *out)
{
    *out = (struct cells){{l->id, l->table, l->phase, l->started, l->updated, l->owner}};
}

/* Characters, for columns that line up: bytes that do not continue a UTF-8 sequence. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void clean(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

static void line(struct buf *out, const char *const cells[static COLUMNS], const int widths[static COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        const char *cell = cells[i] && cells[i][0] ? cells[i] : "-";
        clean(out, cell);
        int pad = i == COLUMNS - 1 ? 0 : widths[i] - width_of(cell) + 3;
        buf_printf(out, "%*s", pad > 0 ? pad : i == COLUMNS - 1 ? 0 : 3, "");
    }
    buf_char(out, '\n');
}

static void table(struct buf *out, const char *const head[static COLUMNS], const struct cells *rows, size_t count)
{
    int widths[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        widths[i] = width_of(head[i]);
        for (size_t n = 0; n < count; n++) {
            int w = width_of(rows[n].text[i] ? rows[n].text[i] : "");
            if (w > widths[i])
                widths[i] = w < WIDEST ? w : WIDEST;
        }
    }
    line(out, head, widths);
    for (size_t n = 0; n < count; n++)
        line(out, rows[n].text, widths);
}

static void details(struct buf *out, const struct listed *l)
{
    const char *id = l->id && l->id[0] ? l->id : "(without an id)";
    if (!l->alter && !l->note && l->objects.count == 0)
        return;
    buf_printf(out, "\n%s\n", id);
    if (l->alter && l->alter[0]) {
        buf_str(out, "  alter: ");
        clean(out, l->alter);
        buf_char(out, '\n');
    }
    if (l->note && l->note[0]) {
        buf_str(out, "  note:  ");
        clean(out, l->note);
        buf_char(out, '\n');
    }
    for (size_t i = 0; i < l->objects.count; i++) {
        buf_str(out, i == 0 ? "  has:   " : "         ");
        clean(out, l->objects.items[i]);
        buf_char(out, '\n');
    }
}

void list_text(struct buf *out, const struct listed *list, size_t count)
{
    if (count == 0) {
        buf_str(out, "No migration is stored in this database, and nothing is left of one.\n");
        return;
    }
    struct cells *rows = mem_array(count, sizeof(*rows));
    for (size_t n = 0; n < count; n++)
        row_of(&list[n], &rows[n]);
    table(out, titles, rows, count);
    mem_free(rows);
    for (size_t n = 0; n < count; n++)
        details(out, &list[n]);
}

void streams_text(struct buf *out, const struct standing_listed *list, size_t count)
{
    if (count == 0)
        return;
    struct cells *rows = mem_array(count, sizeof(*rows));
    for (size_t n = 0; n < count; n++) {
        const struct standing_listed *l = &list[n];
        rows[n] = (struct cells){{l->name, l->id, l->tables, l->started, l->updated, l->owner}};
    }
    buf_char(out, '\n');
    table(out, stream_titles, rows, count);
    mem_free(rows);
    for (size_t n = 0; n < count; n++) {
        buf_printf(out, "\n%s\n", list[n].name);
        if (list[n].position[0]) {
            buf_str(out, "  in Kafka: all before ");
            clean(out, list[n].position);
            buf_char(out, '\n');
        }
        buf_printf(out, "  note:     %s\n", list[n].note);
    }
}

struct field {
    const char *name, *text;
};

static void fields_json(struct buf *out, const struct field *fields, size_t count)
{
    for (size_t f = 0; f < count; f++) {
        if (f > 0)
            buf_char(out, ',');
        cli_json_field(out, fields[f].name, fields[f].text);
    }
}

void list_json(struct buf *out, const struct listed *list, size_t count, const struct standing_listed *streams,
               size_t stream_count)
{
    buf_str(out, "{\"migrations\":[");
    for (size_t i = 0; i < count; i++) {
        const struct listed *l = &list[i];
        const struct field fields[] = {{"id", l->id},       {"table", l->table},     {"phase", l->phase},
                                       {"alter", l->alter}, {"started", l->started}, {"updated", l->updated},
                                       {"owner", l->owner}, {"note", l->note}};
        buf_str(out, i == 0 ? "{" : ",{");
        fields_json(out, fields, sizeof(fields) / sizeof(fields[0]));
        buf_str(out, ",\"objects\":");
        cli_json_list(out, &l->objects);
        buf_char(out, '}');
    }
    buf_str(out, "],\"streams\":[");
    for (size_t i = 0; i < stream_count; i++) {
        const struct standing_listed *l = &streams[i];
        const struct field fields[] = {{"name", l->name},       {"id", l->id},
                                       {"tables", l->tables},   {"position", l->position[0] ? l->position : NULL},
                                       {"started", l->started}, {"updated", l->updated},
                                       {"owner", l->owner},     {"note", l->note}};
        buf_str(out, i == 0 ? "{" : ",{");
        fields_json(out, fields, sizeof(fields) / sizeof(fields[0]));
        buf_char(out, '}');
    }
    buf_str(out, "]}\n");
}
