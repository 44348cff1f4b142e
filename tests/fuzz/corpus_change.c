/* First inputs for fuzz_change: one of each kind. */
#include "cdc/change.h"
#include "fuzz/corpus.h"

static void add(const struct change *change)
{
    struct buf b = {0};
    change_encode(&b, change);
    corpus_add(&b);
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    char text[300];
    memset(text, 'x', sizeof(text));
    struct value old_row[] = {{VALUE_PRESENT, 1, "1"}, {VALUE_ABSENT, 0, NULL}, {VALUE_NULL, 0, NULL}};
    struct value new_row[] = {{VALUE_PRESENT, 0, ""}, {VALUE_PRESENT, 300, text}, {VALUE_UNCHANGED, 0, NULL}};
    struct relation_column columns[] = {{.name = "id", .type = 20, .modifier = -1, .key = true},
                                        {.name = "note", .type = 25, .modifier = 7}};
    struct relation_column told[] = {
        {.name = "id", .told_type = "int unsigned", .told_key = 1},
        {.name = "note", .told_type = "enum(0x61,0x62)", .told_charset = "latin1", .told_optional = true},
        {.name = "twice", .told_type = "int", .told_optional = true, .told_absent = true}};
    struct position at = {77, "binlog.000007:4711 0-1-2"};
    add(&(struct change){.kind = CHANGE_BEGIN, .xid = 7, .position = at, .commit_us = -1});
    add(&(struct change){.kind = CHANGE_COMMIT, .position = at});
    add(&(struct change){.kind = CHANGE_MARKER, .position = at, .marker = "beat 1 2"});
    add(&(struct change){.kind = CHANGE_TRUNCATE});
    add(&(struct change){.kind = CHANGE_INSERT, .ncolumns = 3, .new_row = new_row});
    add(&(struct change){.kind = CHANGE_UPDATE, .ncolumns = 3, .new_row = new_row});
    add(&(struct change){.kind = CHANGE_UPDATE, .ncolumns = 3, .new_row = new_row, .old_row = old_row});
    add(&(struct change){.kind = CHANGE_DELETE, .ncolumns = 3, .old_row = old_row});
    struct relation relation = {
        .id = 7, .schema = "shop", .name = "orders", .identity = 'd', .ncolumns = 2, .columns = columns};
    add(&(struct change){.kind = CHANGE_RELATION, .relation = relation});
    relation.ncolumns = 3;
    relation.columns = told;
    relation.told = true;
    add(&(struct change){.kind = CHANGE_RELATION, .relation = relation});
    add(&(struct change){.kind = CHANGE_RELATION,
                         .relation = {.schema = "shop", .name = "orders", .identity = 'f', .altered = true}});
    return corpus_end();
}
