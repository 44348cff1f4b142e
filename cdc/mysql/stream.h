/* What the files of the reader share: source.c owns the thread and opens the stream again when it is lost, connect.c
 * proves that it is the right log and starts the dump, stream.c takes what the server sends, group.c makes changes of
 * it, table.c knows which table a row event is for, going_on.c what becomes of a table that is changed. */
#ifndef SC_CDC_MYSQL_STREAM_H
#define SC_CDC_MYSQL_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/mysql/conn.h"
#include "cdc/mysql/columns.h"
#include "cdc/mysql/dump.h"
#include "cdc/mysql/events.h"
#include "cdc/mysql/feed.h"
#include "cdc/mysql/position.h"
#include "cdc/mysql/query.h"
#include "cdc/mysql/told.h"
#include "cdc/mysql/xa.h"
#include "cdc/source.h"

/* The table that markers are written to, in config.marker_schema. */
#define MY_MARKER_TABLE "_seachange_marker"

/* A table as its last TABLE_MAP described it. */
struct my_log_table {
    const struct source_table *source; /* of config.tables; the marker's: NULL */
    struct arena arena;                /* map, columns */
    const struct my_table_map *map;
    struct my_log_column *columns;
    /* Of config.goes_on: */
    bool told;            /* the log's description counts, and not the catalog's */
    bool described;       /* ... and one was put since then */
    const bool *computed; /* told: of each column */
};

/* Table numbers that hold until the statement's end. */
struct my_mapped_id {
    uint64_t id;
    struct my_log_table *table; /* NULL: not ours */
};

/* What ends the group that is being read. */
enum my_group_state {
    MY_GROUP_NONE,      /* between groups */
    MY_GROUP_STATEMENT, /* behind a GTID: one statement, or BEGIN */
    MY_GROUP_OPEN,      /* until COMMIT, ROLLBACK or an XID */
    MY_GROUP_XA,        /* until XA PREPARE */
};

struct source {
    struct source_config config; /* strings owned */
    struct my_server server;     /* of the present connection */
    struct spool *spool;
    pthread_t thread;
    bool started;
    atomic_bool stopping;

    pthread_mutex_t lock;
    struct source_stats stats; /* guarded; .confirmed is what confirm() was told */
    int socket;                /* guarded: of the open stream, for stop() to wake the thread; -1 none */
    int wake_fd;

    /* The thread's own. */
    struct my_conn *conn;
    struct my_dump dump;
    struct my_decoder decoder;
    struct my_feed feed;
    struct arena arena; /* of one event */
    uint64_t settled;   /* no idle advance before the server's log as it was when we came */
    struct position server_end;
    uint64_t bytes;
    uint32_t turn; /* of my_dump_reader_id() */
    int64_t opened_at, good_at, advanced_at, published_at;
    uint64_t progress; /* puts, when the connection was opened */

    struct my_log_position at;      /* behind the last event */
    struct my_log_position resume;  /* behind the last group */
    struct my_log_position began;   /* before the last event */
    bool has_gtids;                 /* the position that we started from had them: */
    struct my_gtid_set executed;    /* ... behind the last group; MySQL */
    struct my_domain_position last; /* ... MariaDB */

    enum my_group_state group;
    struct my_gtid_event gtid; /* of the group */
    bool has_gtid;
    int64_t commit_us;
    struct my_xa xa;
    struct my_log_table *tables; /* those of config, by name */
    size_t ntables;
    struct my_log_table marker;
    bool named;                  /* the log says what columns are called, as the server said when this began */
    struct my_charset *charsets; /* the server's, for config.goes_on */
    size_t ncharsets;
    struct my_mapped_id *mapped;
    size_t nmapped, mapped_cap;
};

static inline bool my_stream_stopping(struct source *s)
{
    return atomic_load(&s->stopping);
}

/* source.c: puts the thread's counts where source_ops.stats() finds them. */
void my_stream_publish(struct source *s);
void my_stream_state(struct source *s, bool connected, bool full, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* While the spool is full. For spool_put(). */
void my_stream_while_full(void *arg);

/* connect.c: opens the stream behind what was received; config.start the first time. As source_ops.start(). */
enum sc_result my_stream_open(struct source *s, struct sc_error *err);
void my_stream_close(struct source *s);
/* Closes it, and sees to it that the server's end of it goes, too. */
void my_stream_goodbye(struct source *s);

/* stream.c: takes what the server sends until the stream ends. SC_STOP: told to stop. SC_RETRY: connect again. */
enum sc_result my_stream_run(struct source *s, struct sc_error *err);
/* What is stored of the place behind the last group: with the GTIDs, and from where it is to be read. */
void my_stream_position(const struct source *s, const struct my_log_position *at, struct position *out);

/* group.c: one event. `inner`: out of a compressed transaction. */
enum sc_result my_group_take(struct source *s, const struct my_event *event, bool inner, struct sc_error *err);

/* table.c. my_tables_init() is for after config.tables was set. */
void my_tables_init(struct source *s);
void my_tables_fini(struct source *s);
enum sc_result my_table_mapped(struct source *s, const struct my_table_map *map, struct sc_error *err);
enum sc_result my_table_rows(struct source *s, const struct my_rows_event *event, uint32_t server_id,
                             struct sc_error *err);
/* A TRUNCATE of tables[table], which the log tells without a description. */
enum sc_result my_table_truncated(struct source *s, size_t table, struct sc_error *err);
/* A RELATION of the table; its names are filled in. */
enum sc_result my_table_put_relation(struct source *s, const struct my_log_table *t, const struct relation *relation,
                                     struct sc_error *err);

/* going_on.c, for config.goes_on. A description in the log counts where the table was changed (t->told); SC_FAIL: it
 * does not tell all. */
enum sc_result my_table_told(struct source *s, struct my_log_table *t, const struct my_table_map *map,
                             struct sc_error *err);
/* A statement that stops for tables[table]: may it be passed over? Else *why, unless it stays NULL, says more. */
bool my_table_may_alter(const struct source *s, const struct my_statement *statement, size_t table, const char **why);
enum sc_result my_table_altered(struct source *s, size_t table, struct sc_error *err);
/* What the server says of itself, for a reader that begins: s->named, s->charsets. */
enum sc_result my_going_on_learn(struct source *s, struct my_conn *conn, struct sc_error *err);
void my_going_on_fini(struct source *s);
void my_tables_forget(struct source *s); /* all descriptions; the next session tells them anew */

#endif
