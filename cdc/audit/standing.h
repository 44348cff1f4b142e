/* A standing stream as the database keeps it: which tables, and where in the log and in the topics it stands.
 *
 * It has a name, by which the operator knows it, and an id, by which consumers do (header seachange.stream): a stream
 * that is removed and begun again under its name is another one. The row of a stream is written before anything else of
 * it exists and removed after everything else is gone; one that has no place in the log yet has sent nothing, and is
 * begun anew.
 *
 * One thread, except store(), which has a connection of its own for the pump's. */
#ifndef SC_CDC_AUDIT_STANDING_H
#define SC_CDC_AUDIT_STANDING_H

#include "cdc/audit/stream.h"
#include "cdc/source.h"

#define STANDING_NAME_MOST 48 /* a part of the name of a lock, MySQL's longest of which has 64 characters */

/* In the settings of a table whose log leaves out what its columns are: behind the last of these stands a digest of
 * them, up to the next "; ", or, since the table was changed, STANDING_TOLD; and behind that what the reader has to
 * know of the table as it was when the stream was begun. */
#define STANDING_FORM "; form "
#define STANDING_TOLD "log"
/* Behind everything else: the columns that a rule names. */
#define STANDING_KEPT "; kept"

struct standing_table {
    const char *schema, *name;
    uint32_t number;          /* the engine's, where it has one that lasts */
    const char *settings;     /* what consumers have been told of it and that may not change: topic, key, rules */
    struct audit_state state; /* its position is the stream's; its `altered` is stored in the settings */
};

/* Where STANDING_FORM, or another part, stands in them; NULL: nowhere. */
const char *standing_form(const char *settings);
const char *standing_part(const char *settings, const char *part);

struct standing_place {
    const char *id;
    struct audit_state state;
};

/* For people. */
struct standing_listed {
    const char *name, *id, *tables; /* schema.name of each, with commas */
    const char *position;           /* all before it is in Kafka; "": it has sent nothing yet */
    const char *started, *updated, *owner;
    const char *note; /* whether it runs, and whether it can go on */
};

struct standing_spec {
    const char *url;
    const char *name;          /* of the stream: letters, digits, _ and -; not longer than STANDING_NAME_MOST */
    const char *const *tables; /* schema and name of each by turns, as the catalog has them; the first one's */
    size_t ntables;            /* ... schema is where engines without schemas of their own keep the stream */
    bool removing;             /* nothing is read but what standing_ops.remove() needs */
    int64_t wait_ms;           /* how long a begin may wait for transactions that are open */
    void (*progress)(void *arg, const char *text); /* what is waited for; NULL: nobody wants to know */
    void *progress_arg;
};

struct standing; /* an engine's */

struct standing_ops {
    /* Connects, makes sure that no other process runs the stream, and reads what is stored of it. SC_REFUSE: another
     * one does, or what is stored belongs to another server. *out is the caller's, to close, when SC_OK. */
    enum sc_result (*open)(const struct standing_spec *spec, struct standing **out, struct sc_error *err);
    void (*close)(struct standing *standing);

    /* What is stored: *tables is the stream's, NULL where there is none, or one that has sent nothing. */
    void (*stored)(struct standing *standing, const struct standing_table **tables, size_t *count);
    /* Of eight hexadecimal digits. Once it is begun. */
    const char *(*id)(struct standing *standing);

    /* Makes the stream's place in the log, from which on everything that commits is sent, and stores it together with
     * `tables` (the position of their states is not looked at). What an earlier try has left is removed before.
     * copy: called in between, NULL: not; all that is before the place can be seen by queries then, and it may change
     * the states of `tables`. */
    enum sc_result (*begin)(struct standing *standing, const struct standing_table *tables, size_t count,
                            enum sc_result (*copy)(void *arg, struct sc_error *err), void *arg, struct sc_error *err);
    /* Fills in what a reader has to know beside the tables. Points into the stream. */
    void (*source)(struct standing *standing, struct source_config *out);
    /* Is the log still read for all of its tables? SC_REFUSE: not any more; what was changed before is in the log. */
    enum sc_result (*check)(struct standing *standing, struct sc_error *err);
    /* Stores where all its tables stand; by one thread, and it need not be the one that opened it. SC_FENCED: another
     * process has taken the stream over. SC_RETRY: not now. */
    enum sc_result (*store)(struct standing *standing, const struct audit_state *states, struct sc_error *err);
    /* Writes a message into the log that the reader hands on as CHANGE_MARKER. NULL: the log says by itself where it
     * ends for the stream. */
    enum sc_result (*mark)(struct standing *standing, const char *text, struct sc_error *err);
    /* Where the stream of this name or id stands with one of its tables, whoever runs it: strings and heads are the
     * arena's. *found false: there is no such stream, it has not sent anything, or does not have the table. */
    enum sc_result (*look)(const char *url, const char *stream, const char *schema, const char *table,
                           struct arena *arena, struct standing_place *out, bool *found, struct sc_error *err);
    /* All streams that this account may see, of the database, or of the server where streams are the server's: *out is
     * the arena's. */
    enum sc_result (*list)(const char *url, struct arena *arena, struct standing_listed **out, size_t *count,
                           struct sc_error *err);
    /* Removes all that is the stream's on the server; SC_OK also where there is nothing any more. */
    enum sc_result (*remove)(struct standing *standing, struct sc_error *err);
};

extern const struct standing_ops pg_standing, my_standing;

#endif
