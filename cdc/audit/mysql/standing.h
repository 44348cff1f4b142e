/* What the files of a standing stream share. */
#ifndef SC_CDC_AUDIT_MYSQL_STANDING_H
#define SC_CDC_AUDIT_MYSQL_STANDING_H

#include "base/mysql/conn.h"
#include "base/random.h"
#include "cdc/audit/standing.h"

#define MY_STREAM "_seachange_stream"
#define MY_STREAM_TABLE "_seachange_stream_table"
/* The schemas that have such tables and that the account may see. */
#define MY_STREAM_HOMES                                                                                                \
    "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = '" MY_STREAM "' ORDER BY 1"

enum { MY_STREAM_FORMAT = 1 };

struct standing {
    struct standing_spec spec; /* strings owned */
    struct my_server server;
    struct my_conn *control, *store;
    char *home; /* the schema it is stored in; NULL: nowhere yet */
    char id[RANDOM_ID_TEXT];
    char *application, *message_prefix, *identity;
    uint64_t token;
    struct position position;
    struct arena arena; /* the tables */
    struct standing_table *tables;
    size_t count;
};

/* Each runs, and empties, the statement; SC_RETRY and so on as my_run(). */
enum sc_result my_standing_run(struct my_conn *conn, struct buf *sql, struct sc_error *err);
void my_standing_add_text(struct buf *sql, const char *before, const char *text); /* as a literal */
/* COMMIT where result is SC_OK, else ROLLBACK; what came of it. */
enum sc_result my_standing_finish(struct my_conn *conn, enum sc_result result, struct sc_error *err);
/* The id, and what is named after it. */
void my_standing_named(struct standing *s, const char *id);

/* What is stored of each table, into s->tables. */
enum sc_result my_standing_load_tables(struct standing *s, struct sc_error *err);

/* standing_begin.c: as standing_ops.begin() and .remove(). */
enum sc_result my_standing_begin(struct standing *s, const struct standing_table *tables, size_t count,
                                 enum sc_result (*copy)(void *arg, struct sc_error *err), void *arg,
                                 struct sc_error *err);
enum sc_result my_standing_remove(struct standing *s, struct sc_error *err);

/* standing_look.c: as standing_ops.look(). */
enum sc_result my_standing_look(const char *url, const char *stream, const char *schema, const char *table,
                                struct arena *arena, struct standing_place *out, bool *found, struct sc_error *err);

/* standing_list.c: as standing_ops.list(). */
enum sc_result my_standing_list(const char *url, struct arena *arena, struct standing_listed **out, size_t *count,
                                struct sc_error *err);

#endif
