#include <string.h>

#include "cli/common.h"
#include "cli/show.h"

enum { COLUMNS = 6, WIDEST = 48 };

static const char *const titles[COLUMNS] = {"ID", "TABLE", "PHASE", "STARTED", "UPDATED", "OWNER"};

static void row_of(const struct listed *l, const char *cells[static COLUMNS])
{
    cells[0] = l->id;
    cells[1] = l->table;
    cells[2] = l->phase;
    cells[3] = l->started;
    cells[4] = l->updated;
    cells[5] = l->owner;
    for (int i = 0; i < COLUMNS; i++)
        if (!cells[i] || !cells[i][0])
            cells[i] = "-";
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
        clean(out, cells[i]);
        int pad = i == COLUMNS - 1 ? 0 : widths[i] - width_of(cells[i]) + 3;
        buf_printf(out, "%*s", pad > 0 ? pad : i == COLUMNS - 1 ? 0 : 3, "");
    }
    buf_char(out, '\n');
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
    int widths[COLUMNS];
    const char *cells[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        widths[i] = width_of(titles[i]);
    for (size_t n = 0; n < count; n++) {
        row_of(&list[n], cells);
        for (int i = 0; i < COLUMNS; i++) {
            int w = width_of(cells[i]);
            if (w > widths[i])
                widths[i] = w < WIDEST ? w : WIDEST;
        }
    }
    line(out, titles, widths);
    for (size_t n = 0; n < count; n++) {
        row_of(&list[n], cells);
        line(out, cells, widths);
    }
    for (size_t n = 0; n < count; n++)
        details(out, &list[n]);
}

void list_json(struct buf *out, const struct listed *list, size_t count)
{
    buf_str(out, "{\"migrations\":[");
    for (size_t i = 0; i < count; i++) {
        const struct listed *l = &list[i];
        const struct {
            const char *name, *text;
        } fields[] = {{"id", l->id},           {"table", l->table},     {"phase", l->phase}, {"alter", l->alter},
                      {"started", l->started}, {"updated", l->updated}, {"owner", l->owner}, {"note", l->note}};
        buf_str(out, i == 0 ? "{" : ",{");
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
            cli_json_field(out, fields[f].name, fields[f].text);
            buf_char(out, ',');
        }
        buf_str(out, "\"objects\":");
        cli_json_list(out, &l->objects);
        buf_char(out, '}');
    }
    buf_str(out, "]}\n");
}
