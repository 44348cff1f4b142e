#include "torture/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torture/envelope.h"

/* What the history says of a row: one for each that there is or was, in the order of content->all. */
struct life {
    bool mentioned, dead;
    uint32_t before; /* tags of its trail that are from before its first message */
    json_t *is;      /* its newest image, with what was left out of it put back */
};

/* A key, in the order of their texts: whose row it is by the history. */
struct place {
    char *key; /* as COL_KEY */
    enum { NOT_KNOWN, TAKEN, EMPTY } state;
    size_t life;
    bool someone_died; /* PostgreSQL: deleted before anything else was heard of it. Its birth is not in the log */
};

struct auditing {
    struct world *world;
    const struct content *content;
    const struct topic *topic;
    const struct audit_facts *facts;
    struct life *lives;
    struct place *places;
    size_t place_count;
    struct place **place_of; /* of each message */

    const struct message *deleted; /* the one before, if it was a deletion */
    /* A row between two keys: deleted here, and to be created there. */
    const struct message *moving;
    size_t moving_life; /* NOBODY: not known yet */
    const char *transaction;
    int64_t order;
    bool broken; /* a finding, behind which nothing can be said */
};

enum { NAME = ROW_NAME + 40 };
#define NOBODY SIZE_MAX

/* One finding is enough: what is behind it follows from it. */
#define FOUND(k, ...) ((k)->broken = true, world_error((k)->world, "C7: " __VA_ARGS__))

static const char *trail_of(const struct life *life)
{
    const char *trail = event_text(life->is, COL_TRAIL);
    return trail ? trail : "";
}

static const struct row *row_of(const struct auditing *k, const struct life *life)
{
    return &k->content->all.items[life - k->lives];
}

static void name_of(const struct auditing *k, const struct life *life, const struct message *m, char text[NAME])
{
    char name[ROW_NAME];
    row_name(name, row_of(k, life)->birth);
    snprintf(text, NAME, "%s in message %" PRIu64, name, m->sequence);
}

/* --- keys */

static int by_key(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return strcmp(x->key, y->key);
}

static struct place *find_place(const struct auditing *k, const char *key)
{
    struct place wanted = {.key = (char *)(uintptr_t)key};
    return bsearch(&wanted, k->places, k->place_count, sizeof(wanted), by_key);
}

/* All keys that the history has, each once; and that the same key is always in the same partition. */
static void make_places(struct auditing *k)
{
    size_t count = k->topic->count;
    k->places = mem_array(count + 1, sizeof(*k->places));
    k->place_of = mem_array(count + 1, sizeof(struct place *));
    int32_t *partitions = mem_array(count + 1, sizeof(*partitions));
    char **keys = mem_array(count + 1, sizeof(char *));
    for (size_t i = 0; i < count && !k->broken; i++) {
        keys[i] = event_key(&k->world->shape, k->topic->messages[i].key);
        if (keys[i])
            k->places[k->place_count++].key = mem_strdup(keys[i]);
        else
            FOUND(k, "message %zu has no key of this table", i + 1);
    }
    if (k->place_count)
        qsort(k->places, k->place_count, sizeof(*k->places), by_key);
    size_t kept = 0;
    for (size_t i = 0; i < k->place_count; i++) {
        if (kept > 0 && strcmp(k->places[kept - 1].key, k->places[i].key) == 0)
            mem_free(k->places[i].key);
        else
            k->places[kept++] = k->places[i];
    }
    k->place_count = kept;
    for (size_t i = 0; i < count && !k->broken; i++) {
        k->place_of[i] = find_place(k, keys[i]);
        int32_t *partition = &partitions[k->place_of[i] - k->places], is = k->topic->messages[i].partition + 1;
        if (*partition && *partition != is)
            FOUND(k, "message %zu, of key %s, is in another partition than those before it", i + 1, keys[i]);
        *partition = is;
    }
    for (size_t i = 0; i < count; i++)
        mem_free(keys[i]);
    mem_free(keys);
    mem_free(partitions);
}

/* --- what a row must be */

/* By its trail so far; false with a finding. `tags`: how many. */
static bool expect(struct auditing *k, const struct message *m, int64_t birth, const char *trail, struct expected *e,
                   uint32_t *tags)
{
    int client;
    uint32_t number;
    *e = (struct expected){.slot = NOT_SET, .n = NOT_SET};
    *tags = 0;
    while (trail_next(&trail, &client, &number)) {
        const struct op *op = history_find(&k->world->histories[client], number);
        if (!op || op->outcome == OUTCOME_NOT_DONE) {
            FOUND(k, "message %" PRIu64 " has a change by %d.%" PRIu32 ", which %s", m->sequence, client, number,
                  op ? "was not done" : "nobody has done");
            return false;
        }
        const struct touch *t = op_touch(op, birth);
        if (t)
            expected_touch(e, t, client, number);
        (*tags)++;
    }
    e->ver = *tags;
    if (*trail || *tags == 0)
        FOUND(k, "message %" PRIu64 " has a trail that is none", m->sequence);
    return *trail == '\0' && *tags > 0;
}

static bool is_number(const json_t *value, int64_t expected)
{
    return expected == NOT_SET ? json_is_null(value) : json_is_integer(value) && json_integer_value(value) == expected;
}

/* *between: two rows exchange a unique value, and this one has none for a moment. */
static void check_image(struct auditing *k, const struct message *m, const struct life *life, const json_t *image,
                        const struct expected *e, bool *between)
{
    const int64_t numbers[] = {[COL_N] = e->n, [COL_SLOT] = e->slot, [COL_BAL] = e->bal, [COL_VER] = e->ver};
    char name[NAME];
    struct buf text = {0};
    name_of(k, life, m, name);
    *between = json_is_null(event_value(image, COL_SLOT)) && e->slot != NOT_SET;
    for (int column = COL_N; column <= COL_VER; column++)
        if (column != COL_BIRTH && !(column == COL_SLOT && *between) &&
            !is_number(event_value(image, (enum column)column), numbers[column]))
            FOUND(k, "column %s of %s is not what its trail says", column_names[column], name);
    for (enum column column = COL_NOTE; column < COL_KEY && !k->broken; column++) {
        const json_t *value = event_value(image, column);
        buf_clear(&text);
        bool is = content_text(column, &text, e->content_client, e->content_number);
        if (!event_is_left_out(value) && !event_is(column, value, is ? buf_cstr(&text) : NULL))
            FOUND(k, "column %s of %s is not what %d.%" PRIu32 " wrote", column_names[column], name, e->content_client,
                  e->content_number);
    }
    buf_fini(&text);
}

/* Does this trail go on from the one before, by a tag at most? */
static bool goes_on(const char *trail, const char *was)
{
    size_t len = strlen(was);
    const char *more = trail + len;
    int client;
    uint32_t number;
    return trail_begins(trail, was, len) && (*more == '\0' || (trail_next(&more, &client, &number) && *more == '\0'));
}

/* The row is this from here on; `changed`: by this message. */
static void take_image(struct auditing *k, const struct message *m, struct life *life, const json_t *image,
                       bool changed)
{
    struct expected e;
    char name[NAME];
    uint32_t tags;
    bool between;
    const char *trail = event_text(image, COL_TRAIL), *last = row_of(k, life)->values[COL_TRAIL];
    name_of(k, life, m, name);
    if (!trail || !trail_begins(last, trail, strlen(trail))) {
        FOUND(k, "%s has another history (%.80s) than it has in the end (%.80s)", name, trail ? trail : "none", last);
        return;
    }
    if (life->is && !goes_on(trail, trail_of(life)))
        FOUND(k, "%s has the trail %.80s behind %.80s: a change is missing, or out of its order", name, trail,
              trail_of(life));
    if (!expect(k, m, row_of(k, life)->birth, trail, &e, &tags))
        return;
    check_image(k, m, life, image, &e, &between);
    if (!life->mentioned)
        life->before = between || !changed ? tags : tags - 1;
    life->mentioned = true;
    json_t *is = json_copy((json_t *)(uintptr_t)image);
    if (life->is && event_is_left_out(event_value(image, COL_PAD)))
        json_object_set(is, column_names[COL_PAD], json_object_get(life->is, column_names[COL_PAD]));
    json_decref(life->is);
    life->is = is;
}

/* What was there before, where the log has all of it: nothing may have happened in between. */
static void check_before(struct auditing *k, const struct message *m, const struct life *life, const json_t *before)
{
    const char *trail = event_text(before, COL_TRAIL);
    char name[NAME];
    name_of(k, life, m, name);
    if (trail && life->is && strcmp(trail, trail_of(life)) != 0)
        FOUND(k, "%s was %.80s before, and the message before it says %.80s", name, trail, trail_of(life));
}

/* Whose row it is; NULL with a finding. */
static struct life *born(struct auditing *k, const struct message *m, const json_t *image)
{
    int64_t birth;
    bool said = event_number(image, COL_BIRTH, &birth);
    const struct row *row = said ? rows_find(&k->content->all, birth) : NULL;
    if (!row)
        FOUND(k, "message %" PRIu64 " is of a row that nobody has inserted (%" PRId64 ")", m->sequence, birth);
    return row ? &k->lives[row - k->content->all.items] : NULL;
}

/* --- one message */

static void take_deleted(struct auditing *k, const struct message *m, const struct event *event, struct place *place)
{
    struct life *life = place->state == TAKEN ? &k->lives[place->life] : NULL;
    int64_t birth;
    if (place->state == EMPTY) {
        FOUND(k, "message %" PRIu64 " deletes key %s, which is not there any more", m->sequence, place->key);
        return;
    }
    if (!life && event_number(event->before, COL_BIRTH, &birth) && !(life = born(k, m, event->before)))
        return;
    if (life)
        check_before(k, m, life, event->before);
    if (life && !life->mentioned && !k->broken)
        take_image(k, m, life, event->before, false);
    place->state = EMPTY;
    k->deleted = m;
    if (m->new_key) {
        k->moving = m;
        k->moving_life = life ? (size_t)(life - k->lives) : NOBODY;
    } else if (life) {
        life->dead = true;
    } else {
        place->someone_died = true;
    }
}

static void take_created(struct auditing *k, const struct message *m, const struct event *event, struct place *place)
{
    const struct message *from = k->moving;
    struct life *life = born(k, m, event->after);
    if (!life)
        return;
    char name[NAME];
    name_of(k, life, m, name);
    k->moving = NULL;
    if (place->state == TAKEN)
        FOUND(k, "%s is created where another row is", name);
    else if (life->dead)
        FOUND(k, "%s is created, and was deleted before", name);
    else if (!m->old_key && (from || life->mentioned ||
                             strrchr(event_text(event->after, COL_TRAIL), ':') != event_text(event->after, COL_TRAIL)))
        FOUND(k, "%s is created, and was there before", name);
    else if (m->old_key && (!from || strcmp(from->key, m->old_key) != 0 || strcmp(from->new_key, m->key) != 0 ||
                            (k->moving_life == NOBODY ? life->mentioned : &k->lives[k->moving_life] != life)))
        FOUND(k, "%s comes from another key, from which it was not taken", name);
    else if (!m->old_key && event_is_left_out(event_value(event->after, COL_PAD)))
        FOUND(k, "%s is created without its large value", name);
    if (k->broken)
        return;
    take_image(k, m, life, event->after, true);
    place->state = TAKEN;
    place->life = (size_t)(life - k->lives);
}

static void take_updated(struct auditing *k, const struct message *m, const struct event *event, struct place *place)
{
    struct life *life = born(k, m, event->after);
    if (!life)
        return;
    char name[NAME];
    name_of(k, life, m, name);
    bool there = place->state == TAKEN ? &k->lives[place->life] == life : place->state == NOT_KNOWN && !life->mentioned;
    if (!there) {
        FOUND(k, "%s is changed under key %s, where it is not", name, place->key);
        return;
    }
    if (event->before)
        check_before(k, m, life, event->before);
    take_image(k, m, life, event->after, true);
    place->state = TAKEN;
    place->life = (size_t)(life - k->lives);
}

/* Its messages are counted, so a beginning or a middle of it that is missing is seen. */
static void count_in_transaction(struct auditing *k, const struct message *m, const struct event *event, char **held)
{
    bool same = k->transaction && strcmp(k->transaction, event->transaction) == 0;
    if (event->order != (same ? k->order + 1 : 1))
        FOUND(k, "message %" PRIu64 " is number %" PRId64 " of its transaction, and follows number %" PRId64,
              m->sequence, event->order, same ? k->order : 0);
    k->order = event->order;
    if (same)
        return;
    mem_free(*held);
    k->transaction = *held = mem_strdup(event->transaction);
}

static void take_message(struct auditing *k, size_t i, char **held)
{
    const struct message *m = &k->topic->messages[i], *deleted = k->deleted;
    struct event event;
    const char *wrong = event_read(m, &event);
    k->deleted = NULL;
    if (wrong)
        FOUND(k, "message %" PRIu64 " %s", m->sequence, wrong);
    else if ((deleted != NULL) != (event.op == 0) || (deleted && strcmp(deleted->key, m->key) != 0))
        FOUND(k, "message %" PRIu64 " %s", m->sequence,
              deleted ? "is not the tombstone of the deletion before it" : "is a tombstone of nothing");
    else if (event.op && k->moving && event.op != 'c')
        FOUND(k, "message %" PRIu64 " stands between the two of a row that moves", m->sequence);
    if (!k->broken && event.op)
        count_in_transaction(k, m, &event, held);
    if (!k->broken && event.op == 'd')
        take_deleted(k, m, &event, k->place_of[i]);
    else if (!k->broken && event.op == 'c')
        take_created(k, m, &event, k->place_of[i]);
    else if (!k->broken && event.op == 'u')
        take_updated(k, m, &event, k->place_of[i]);
    event_fini(&event);
}

/* --- the history against the tables */

/* Changes that must be in the history: those of operations that began when its log had, of rows that were in the old
 * table. */
static void check_changes(struct auditing *k, const struct row *row, const struct life *life)
{
    const char *trail = row->values[COL_TRAIL];
    char name[ROW_NAME];
    int client;
    row_name(name, row->birth);
    for (uint32_t tag = 0, number; trail_next(&trail, &client, &number); tag++) {
        const struct op *op = history_find(&k->world->histories[client], number);
        if (op && op->began_us > k->facts->copy_us && (!life->mentioned || tag < life->before))
            FOUND(k, "%s was changed by %s %d.%" PRIu32 ", which is not in the history", name, kind_names[op->kind],
                  client, number);
    }
}

static void check_old_row(struct auditing *k, const struct row *was)
{
    char name[ROW_NAME];
    row_name(name, was->birth);
    const struct row *row = rows_find(&k->content->all, was->birth);
    const struct place *place = find_place(k, was->values[COL_KEY]);
    if (!row)
        return; /* which is C5's */
    const struct life *life = &k->lives[row - k->content->all.items];
    if (life->dead)
        FOUND(k, "%s was deleted, says the history, and is in the table that was swapped out", name);
    else if (life->mentioned != (place != NULL) || (place && place->state != TAKEN) ||
             (place && place->life != (size_t)(life - k->lives)))
        FOUND(k, "%s is under key %s, and the history says something else", name, was->values[COL_KEY]);
    for (enum column column = COL_N; column < COL_KEY && life->mentioned && !k->broken; column++) {
        const json_t *value = event_value(life->is, column);
        if (!event_is_left_out(value) && !event_is(column, value, was->values[column]))
            FOUND(k, "column %s of %s is not in the history what it was when the table was swapped out",
                  column_names[column], name);
    }
    check_changes(k, was, life);
}

/* One that is no longer there, and was in the old table for certain. */
static bool died_in_old(const struct auditing *k, const struct row *row)
{
    const struct op *op = history_find(&k->world->histories[row->birth >> 40], (row->birth >> 12) & 0xfffffff);
    return row->dead && op && op->ended_us < k->facts->cutover_us && !rows_find(&k->content->old, row->birth);
}

static int64_t deleted_us(const struct auditing *k, const struct row *row)
{
    unsigned client = 0, number = 0;
    bool known = sscanf(row->values[COL_KEY], "%u.%u", &client, &number) == 2 && client < CLIENTS_MOST;
    const struct op *op = known ? history_find(&k->world->histories[client], number) : NULL;
    return op ? op->began_us : 0;
}

/* The place where somebody died of whom nothing else is known, if it may have been this one. */
static struct place *unknown_death(const struct auditing *k, const struct row *row)
{
    struct buf key = {0};
    shape_key_text(&k->world->shape, &key, strtoll(row->values[COL_N], NULL, 10));
    struct place *place = find_place(k, buf_cstr(&key));
    buf_fini(&key);
    return place && place->someone_died ? place : NULL;
}

static void check_grave(struct auditing *k, const struct row *row)
{
    const struct life *life = &k->lives[row - k->content->all.items];
    struct place *place = life->mentioned ? NULL : unknown_death(k, row);
    bool must = deleted_us(k, row) > k->facts->copy_us;
    char name[ROW_NAME];
    row_name(name, row->birth);
    if (!died_in_old(k, row)) {
        if (life->mentioned && !life->dead && !rows_find(&k->content->old, row->birth))
            FOUND(k, "%s is there, says the history, and is not in the table that was swapped out", name);
        return;
    }
    if (place && must)
        place->someone_died = false;
    if ((life->mentioned || must) && !life->dead && !place)
        FOUND(k, "%s was deleted by %s, which is not in the history", name, row->values[COL_KEY]);
    check_changes(k, row, life);
}

static void check_tables(struct auditing *k)
{
    for (size_t i = 0; i < k->content->old.count && !k->broken; i++)
        check_old_row(k, &k->content->old.items[i]);
    for (size_t i = 0; i < k->content->all.count && !k->broken; i++) {
        const struct row *row = &k->content->all.items[i];
        char name[ROW_NAME];
        row_name(name, row->birth);
        if (row->dead)
            check_grave(k, row);
        else if (k->lives[i].mentioned && !rows_find(&k->content->old, row->birth))
            FOUND(k, "%s is in the history, and was never in the table that was swapped out", name);
    }
    /* Those that were deleted before the copy was seen to begin may or may not be in it. */
    for (size_t i = 0; i < k->content->all.count && !k->broken; i++) {
        const struct row *row = &k->content->all.items[i];
        struct place *place = row->dead && !k->lives[i].mentioned ? unknown_death(k, row) : NULL;
        if (place)
            place->someone_died = false;
    }
    for (size_t i = 0; i < k->place_count && !k->broken; i++)
        if (k->places[i].someone_died)
            FOUND(k, "key %s was deleted, says the history, and nobody has done that", k->places[i].key);
}

/* --- what was told */

static void check_summary(struct auditing *k)
{
    static const char before[] = "audit: all changes are in Kafka, ";
    const char *told = k->facts->summary ? strstr(k->facts->summary, before) : NULL;
    char stream[100] = "";
    uint64_t messages = 0;
    if (told && sscanf(told + strlen(before), "%" SCNu64 " messages of stream %99[0-9a-z]", &messages, stream) != 2)
        told = NULL;
    if (!told && !k->facts->another_was_there)
        FOUND(k, "seachange did not say that all changes are in Kafka");
    if (told && (messages != k->topic->count || (k->topic->stream && strcmp(stream, k->topic->stream) != 0)))
        FOUND(k, "seachange said that there are %" PRIu64 " messages of stream %s, and there are %zu of %s", messages,
              stream, k->topic->count, k->topic->stream ? k->topic->stream : "none");
}

void check_audit(struct world *world, const struct content *content, const struct topic *topic,
                 const struct audit_facts *facts, struct audit_counts *counts)
{
    struct auditing k = {.world = world, .content = content, .topic = topic, .facts = facts};
    char *held = NULL;
    *counts = (struct audit_counts){.messages = topic->count, .repeats = topic->repeats};
    k.lives = mem_array(content->all.count + 1, sizeof(*k.lives));
    check_summary(&k);
    make_places(&k);
    for (size_t i = 0; i < topic->count && !k.broken; i++)
        take_message(&k, i, &held);
    if (!k.broken && (k.deleted || k.moving))
        FOUND(&k, "the history ends in the middle of a deletion or of a row that moves");
    if (!k.broken)
        check_tables(&k);
    for (size_t i = 0; i < content->all.count; i++) {
        counts->rows += k.lives[i].mentioned;
        json_decref(k.lives[i].is);
    }
    for (size_t i = 0; i < k.place_count; i++)
        mem_free(k.places[i].key);
    mem_free(held);
    mem_free(k.lives);
    mem_free(k.places);
    mem_free(k.place_of);
}
