#include "torture/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const kind_names[OP_KINDS] = {"insert", "transfer", "append",   "content",   "move", "exchange",
                                          "delete", "reinsert", "rollback", "savepoint", "many"};

struct op *history_add(struct history *history, enum kind kind, uint32_t *number)
{
    if (history->count == history->cap) {
        history->cap = history->cap ? history->cap * 2 : 1024;
        history->ops = mem_resize(history->ops, history->cap * sizeof(*history->ops));
    }
    struct op *op = &history->ops[history->count++];
    *op = (struct op){.kind = (uint8_t)kind};
    *number = history->count;
    return op;
}

const struct op *history_find(const struct history *history, uint32_t number)
{
    return number > 0 && number <= history->count ? &history->ops[number - 1] : NULL;
}

const struct touch *op_touch(const struct op *op, int64_t birth)
{
    for (int i = 0; i < op->touch_count; i++)
        if (op->touches[i].birth == birth)
            return &op->touches[i];
    return NULL;
}

void history_fini(struct history *history)
{
    mem_free(history->ops);
    *history = (struct history){0};
}

bool histories_write(const struct history *histories, int count, const char *path)
{
    static const char *const outcomes[] = {"unknown", "done", "not done"};
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    fprintf(
        f,
        "client.number\tkind\toutcome\tbegan_us\tended_us\trows counted\tbirth,delta,slot,n,content/born/died ...\n");
    for (int c = 0; c < count; c++) {
        for (uint32_t i = 0; i < histories[c].count; i++) {
            const struct op *op = &histories[c].ops[i];
            fprintf(f, "%d.%" PRIu32 "\t%s\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRIu64, c, i + 1, kind_names[op->kind],
                    outcomes[op->outcome], op->began_us, op->ended_us, op->counted);
            for (int t = 0; t < op->touch_count; t++)
                fprintf(f, "\t%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%d%d%d", op->touches[t].birth,
                        op->touches[t].delta, op->touches[t].slot, op->touches[t].n, op->touches[t].content,
                        op->touches[t].born, op->touches[t].died);
            fputc('\n', f);
        }
    }
    return fclose(f) == 0;
}
