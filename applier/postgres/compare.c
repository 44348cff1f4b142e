/* Comparing source and ghost.
 *
 * One statement looks at both tables, so with one snapshot. A chunk is compared by joining the two along the key and
 * comparing each mapped column, with the values and types the ghost has for it: that is stricter than any checksum, and
 * takes about as long. Types whose equal values can differ (1.0 and 1.00, -0, collations without case) are compared so
 * that they are told apart.
 *
 * Where rows differ they are hashed, so that it can be told later whether they still are what they were. NULLs and
 * where one column ends and the next begins are told apart. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/copy.h"
#include "applier/postgres/mapping.h"

struct comparison {
    bool ordered;
    bool merging;                       /* the planner was told to join along the key's indexes */
    char *source, *ghost;               /* SELECT key AS k0, ..., hash AS h FROM ... */
    char *source_values, *ghost_values; /* SELECT key AS k0, ..., columns AS c0, ... FROM ... */
    char *differ;                       /* condition over both as s and g */
    char *key_expressions[MAX_KEY_COLUMNS];
};

void comparison_free(struct comparison *c)
{
    if (!c)
        return;
    mem_free(c->source);
    mem_free(c->ghost);
    mem_free(c->source_values);
    mem_free(c->ghost_values);
    mem_free(c->differ);
    for (int k = 0; k < MAX_KEY_COLUMNS; k++)
        mem_free(c->key_expressions[k]);
    mem_free(c);
}

/* --- the parts of statements
 * ------------------------------------------------------------------------------------------ */

/* Of each column of the ghost: name, the type it has, how values of it are hashed, and what says whether keys are in
 * the same order. An explicit cast to varchar(n), char(n) or bit(n) would cut what an assignment refuses, so these are
 * cast without a length; all other types' modifiers round in both kinds of cast alike. Plain: types for which equal
 * values are the same bytes. */
static const char columns_sql[] =
    "SELECT a.attname, CASE WHEN a.atttypid = 1042 THEN 'pg_catalog.bpchar' WHEN a.atttypid = 1560 THEN"
    " 'pg_catalog.\"bit\"' ELSE pg_catalog.format_type(a.atttypid, CASE WHEN a.atttypid IN (1043, 1562) THEN NULL ELSE"
    " a.atttypmod END) END AS type,"
    " a.atttypid IN (16, 17, 18, 19, 20, 21, 23, 26, 1082, 1083, 1114, 1184, 2950) AS plain,"
    " a.atttypid IN (25, 1043) AS varying, a.atttypid = 1700 AS exact, a.atttypid IN (700, 701) AS floating,"
    " (SELECT COALESCE(NULLIF(t.typbasetype, 0), t.oid) FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid) = 142 AS "
    "xml, "
    "a.atttypid IN (20, 21, 23) AS whole_number, a.atttypid::text AS type_oid,"
    " a.atttypmod::text AS modifier, a.attcollation::text AS collation"
    " FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped";

static int row_of(const PGresult *res, const char *column)
{
    for (int i = 0; i < PQntuples(res); i++)
        if (strcmp(PQgetvalue(res, i, 0), column) == 0)
            return i;
    return -1;
}

static bool is(const PGresult *res, int row, const char *what)
{
    return PQgetvalue(res, row, PQfnumber(res, what))[0] == 't';
}

static const char *text(const PGresult *res, int row, const char *what)
{
    return PQgetvalue(res, row, PQfnumber(res, what));
}

/* Of XML what the server shows, and what the log therefore has: a declaration that says nothing is left out. */
static void add_text(struct buf *b, const PGresult *res, int row, const char *value)
{
    bool xml = is(res, row, "xml");
    buf_str(b, xml ? "pg_catalog.textin(pg_catalog.xml_out(" : "CAST(");
    buf_str(b, value);
    buf_str(b, xml ? "))" : " AS pg_catalog.text)");
    buf_str(b, " COLLATE \"C\"");
}

static void add_hashed(struct buf *b, const PGresult *res, int row, const char *value)
{
    if (is(res, row, "plain"))
        buf_str(b, value);
    else
        add_text(b, res, row, value);
}

/* pg_catalog.hash_record_extended(ROW(columns), key); of the source (with the ghost's types) or of the ghost. */
static void add_hash(struct buf *b, const struct target *t, const PGresult *types, bool source)
{
    uint64_t seed = strtoull(t->migration.id, NULL, 16) >> 1;
    buf_str(b, "pg_catalog.hash_record_extended(ROW(");
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct pg_mapped *m = &t->map.columns[i];
        int row = row_of(types, m->ghost_column);
        struct buf value = {0};
        if (source)
            buf_printf(&value, "CAST(%s AS %s)", m->expression, text(types, row, "type"));
        else
            pg_add_ident(&value, m->ghost_column);
        buf_str(b, i ? ", " : "");
        add_hashed(b, types, row, buf_cstr(&value));
        buf_fini(&value);
    }
    buf_printf(b, "), %" PRIu64 ") AS h", seed);
}

static void add_values(struct buf *b, const struct target *t, const PGresult *types, bool source)
{
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct pg_mapped *m = &t->map.columns[i];
        buf_str(b, i ? ", " : "");
        if (source)
            buf_printf(b, "CAST(%s AS %s)", m->expression, text(types, row_of(types, m->ghost_column), "type"));
        else
            pg_add_ident(b, m->ghost_column);
        buf_printf(b, " AS c%d", i);
    }
}

static void add_differing_texts(struct buf *b, const PGresult *types, int row, int column)
{
    char name[32];
    snprintf(name, sizeof(name), "s.c%d", column);
    add_text(b, types, row, name);
    buf_str(b, " IS DISTINCT FROM ");
    name[0] = 'g';
    add_text(b, types, row, name);
}

static char *make_differ(const struct target *t, const PGresult *types)
{
    struct buf b = {0};
    for (int i = 0; i < t->map.ncolumns; i++) {
        int row = row_of(types, t->map.columns[i].ghost_column);
        buf_str(&b, i ? " OR " : "");
        if (is(types, row, "plain"))
            buf_printf(&b, "s.c%d IS DISTINCT FROM g.c%d", i, i);
        else if (is(types, row, "varying"))
            buf_printf(&b, "s.c%d COLLATE \"C\" IS DISTINCT FROM g.c%d COLLATE \"C\"", i, i);
        else if (is(types, row, "exact"))
            buf_printf(
                &b, "s.c%d IS DISTINCT FROM g.c%d OR pg_catalog.scale(s.c%d) IS DISTINCT FROM pg_catalog.scale(g.c%d)",
                i, i, i, i);
        else if (is(types, row, "floating")) /* 0 = -0 */
            buf_printf(&b,
                       "s.c%d IS DISTINCT FROM g.c%d OR (s.c%d = 0 AND CAST(s.c%d AS pg_catalog.text) COLLATE \"C\" <> "
                       "CAST(g.c%d AS pg_catalog.text) COLLATE \"C\")",
                       i, i, i, i, i);
        else
            add_differing_texts(&b, types, row, i);
    }
    return buf_take(&b);
}

static void add_side(struct buf *b, const struct target *t, const PGresult *types, bool source, bool hash)
{
    buf_str(b, "SELECT ");
    for (int k = 0; k < t->map.nkey; k++) {
        if (source)
            pg_add_key_expression(b, t, k);
        else
            pg_add_ident(b, t->map.columns[t->map.key[k]].ghost_column);
        buf_printf(b, " AS k%d, ", k);
    }
    if (hash)
        add_hash(b, t, types, source);
    else
        add_values(b, t, types, source);
    buf_str(b, source ? " FROM ONLY " : " FROM ");
    if (source) {
        pg_add_source(b, t);
        buf_str(b, " AS ");
        pg_add_ident(b, t->source.name);
    } else {
        pg_add_ghost(b, t);
    }
}

/* The key's columns are taken over as they are, or into a wider type of the same order. */
static enum sc_result learn_order(struct session *s, const PGresult *types, struct comparison *c, struct sc_error *err)
{
    const struct target *t = s->target;
    PGresult *res = NULL;
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    enum sc_result result = pg_query(s->conn, err, &res, columns_sql, 1, (const char *[]){oid});
    c->ordered = result == SC_OK && !t->key_apart;
    for (int k = 0; result == SC_OK && k < t->key.count; k++) {
        const struct pg_mapped *m = &t->map.columns[t->map.key[k]];
        int from = row_of(res, t->source.columns[t->key.columns[k]].name), to = row_of(types, m->ghost_column);
        bool same_type = from >= 0 && strcmp(text(res, from, "type_oid"), text(types, to, "type_oid")) == 0 &&
                         (strcmp(text(res, from, "modifier"), text(types, to, "modifier")) == 0 ||
                          strcmp(text(types, to, "modifier"), "-1") == 0);
        bool wider = from >= 0 && ((is(res, from, "whole_number") && is(types, to, "whole_number")) ||
                                   (is(res, from, "varying") && is(types, to, "varying")));
        c->ordered = c->ordered && m->source_column == t->key.columns[k] && (same_type || wider) &&
                     strcmp(text(res, from, "collation"), text(types, to, "collation")) == 0;
    }
    PQclear(res);
    return result;
}

static enum sc_result open_comparison(struct session *s, struct sc_error *err)
{
    if (s->comparison)
        return SC_OK;
    struct target *t = s->target;
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
    PGresult *types = NULL;
    enum sc_result result = pg_query(s->conn, err, &types, columns_sql, 1, (const char *[]){oid});
    for (int i = 0; result == SC_OK && i < t->map.ncolumns; i++)
        if (row_of(types, t->map.columns[i].ghost_column) < 0)
            result = error_set(err, SC_FAIL, "the new table has lost its column %s", t->map.columns[i].ghost_column);
    struct comparison *c = mem_alloc(sizeof(*c));
    if (result == SC_OK)
        result = learn_order(s, types, c, err);
    if (result == SC_OK) {
        struct buf sql = {0};
        add_side(&sql, t, types, true, true);
        c->source = buf_take(&sql);
        add_side(&sql, t, types, false, true);
        c->ghost = buf_take(&sql);
        add_side(&sql, t, types, true, false);
        c->source_values = buf_take(&sql);
        add_side(&sql, t, types, false, false);
        c->ghost_values = buf_take(&sql);
        c->differ = make_differ(t, types);
        for (int k = 0; k < t->map.nkey; k++) {
            pg_add_key_expression(&sql, t, k);
            c->key_expressions[k] = buf_take(&sql);
        }
        s->comparison = c;
    } else {
        comparison_free(c);
        error_wrap(err, "cannot compare the tables");
    }
    PQclear(types);
    return result;
}

/* --- which rows
 * ------------------------------------------------------------------------------------------------------- */

/* Of one side: its name or expression for key column k. */
static void add_key_of(struct buf *b, const struct session *s, bool source, int k)
{
    const struct target *t = s->target;
    if (source && s->comparison->ordered)
        pg_add_ident(b, t->source.columns[t->key.columns[k]].name);
    else if (source)
        buf_str(b, s->comparison->key_expressions[k]);
    else
        pg_add_ident(b, t->map.columns[t->map.key[k]].ghost_column);
}

static void add_key_value(struct buf *b, const struct target *t, const struct key *key, int k)
{
    buf_str(b, "CAST(");
    pg_add_literal(b, key->values[k]);
    buf_printf(b, " AS %s)%s", t->ghost_key_types[k], t->ghost_key_collations[k]);
}

static void add_tuple(struct buf *b, const struct session *s, bool source, const char *operator, const struct key * key)
{
    const struct target *t = s->target;
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(b, k ? ", " : "(");
        add_key_of(b, s, source, k);
    }
    buf_printf(b, ") %s (", operator);
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(b, k ? ", " : "");
        add_key_value(b, t, key, k);
    }
    buf_str(b, ")");
}

static void add_range(struct buf *b, const struct session *s, bool source, const struct chunk *chunk)
{
    if (chunk->after) {
        buf_str(b, " WHERE ");
        add_tuple(b, s, source, ">", chunk->after);
    }
    if (chunk->upto) {
        buf_str(b, chunk->after ? " AND " : " WHERE ");
        add_tuple(b, s, source, "<=", chunk->upto);
    }
}

static void add_keys(struct buf *b, const struct session *s, bool source, struct key *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_str(b, i ? " OR " : " WHERE ");
        add_tuple(b, s, source, "=", keys[i]);
    }
}

/* --- comparing
 * -------------------------------------------------------------------------------------------------------- */

enum sc_result pg_compare_ordered(struct session *s, bool *ordered, struct sc_error *err)
{
    enum sc_result result = open_comparison(s, err);
    *ordered = result == SC_OK && s->comparison->ordered;
    return result;
}

static enum sc_result merge_by_key(struct session *s, struct sc_error *err)
{
    struct comparison *c = s->comparison;
    if (!c->ordered || c->merging)
        return SC_OK;
    enum sc_result result = pg_run(s->conn, err, "SET enable_hashjoin = off");
    c->merging = result == SC_OK;
    return result;
}

static uint64_t number_of(const PGresult *res, int column)
{
    return strtoull(PQgetvalue(res, 0, column), NULL, 10);
}

enum sc_result pg_compare_chunk(struct session *s, const struct chunk *chunk, struct compared *out,
                                struct sc_error *err)
{
    enum sc_result result = open_comparison(s, err);
    if (result == SC_OK)
        result = merge_by_key(s, err);
    if (result != SC_OK)
        return result;
    const struct comparison *c = s->comparison;
    struct buf sql = {0};
    buf_printf(&sql,
               "SELECT pg_catalog.count(s.k0), pg_catalog.count(*) FILTER (WHERE s.k0 IS NULL OR g.k0 IS NULL OR %s),"
               " pg_catalog.count(g.k0), pg_catalog.count(*)"
               " FROM (%s",
               c->differ, c->source_values);
    add_range(&sql, s, true, chunk);
    buf_printf(&sql, ") AS s FULL JOIN (%s", c->ghost_values);
    add_range(&sql, s, false, chunk);
    buf_str(&sql, ") AS g ON ");
    for (int k = 0; k < s->target->map.nkey; k++)
        buf_printf(&sql, "%ss.k%d = g.k%d", k ? " AND " : "", k, k);
    PGresult *res = NULL;
    result = pg_query(s->conn, err, &res, buf_cstr(&sql), 0, NULL);
    if (result == SC_OK) {
        uint64_t bad = number_of(res, 1), ghosts = number_of(res, 2), all = number_of(res, 3);
        out->rows = number_of(res, 0);
        out->same = bad == 0;
        out->missing = all - ghosts;
        out->extra = all - out->rows;
        out->differ = bad - out->missing - out->extra;
    } else {
        error_wrap(err, "cannot compare the tables");
    }
    PQclear(res);
    buf_fini(&sql);
    return result;
}

static struct key *key_of(const PGresult *res, int row, int first, int count)
{
    struct key *key = mem_alloc(sizeof(*key));
    key->count = count;
    key->values = mem_array((size_t)count, sizeof(*key->values));
    for (int k = 0; k < count; k++)
        key->values[k] = mem_strdup(PQgetvalue(res, row, first + k));
    return key;
}

static void add_key_texts(struct buf *b, const struct target *t)
{
    for (int k = 0; k < t->map.nkey; k++)
        buf_printf(b, ", CAST(k%d AS pg_catalog.text)", k);
}

enum sc_result pg_compare_rows(struct session *s, const struct chunk *chunk, size_t most, struct key ***keys,
                               size_t *count, struct sc_error *err)
{
    *keys = NULL;
    *count = 0;
    enum sc_result result = open_comparison(s, err);
    if (result != SC_OK)
        return result;
    const struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql, "SELECT NULL");
    add_key_texts(&sql, t);
    buf_printf(&sql, " FROM (%s", s->comparison->source);
    add_range(&sql, s, true, chunk);
    buf_printf(&sql, " UNION ALL %s", s->comparison->ghost);
    add_range(&sql, s, false, chunk);
    buf_str(&sql, ") AS r GROUP BY ");
    for (int k = 0; k < t->map.nkey; k++)
        buf_printf(&sql, "%sk%d", k ? ", " : "", k);
    buf_printf(&sql, " HAVING pg_catalog.count(*) <> 2 OR pg_catalog.min(h) <> pg_catalog.max(h) LIMIT %zu", most);
    PGresult *res = NULL;
    result = pg_query(s->conn, err, &res, buf_cstr(&sql), 0, NULL);
    buf_fini(&sql);
    if (result != SC_OK)
        return error_wrap(err, "cannot compare the tables");
    *count = (size_t)PQntuples(res);
    *keys = mem_array(*count + 1, sizeof(struct key *));
    for (size_t i = 0; i < *count; i++)
        (*keys)[i] = key_of(res, (int)i, 1, t->map.nkey);
    PQclear(res);
    return SC_OK;
}

static void take_pair(const PGresult *res, int row, struct key *const *keys, size_t count, struct row_pair *pairs)
{
    bool source = PQgetvalue(res, row, 0)[0] == 's';
    int columns = PQnfields(res);
    for (size_t i = 0; i < count; i++) {
        bool same = true;
        for (int k = 0; k < keys[i]->count && same; k++)
            same = strcmp(keys[i]->values[k], PQgetvalue(res, row, 1 + k)) == 0;
        if (same)
            snprintf(source ? pairs[i].source : pairs[i].ghost, ROW_HASH_SIZE, "%s", PQgetvalue(res, row, columns - 1));
    }
}

enum sc_result pg_compare_keys(struct session *s, struct key *const *keys, size_t count, struct row_pair *pairs,
                               struct sc_error *err)
{
    memset(pairs, 0, count * sizeof(*pairs));
    enum sc_result result = open_comparison(s, err);
    if (result != SC_OK)
        return result;
    struct buf sql = {0};
    for (int source = 1; source >= 0; source--) {
        buf_printf(&sql, "%sSELECT '%c'", source ? "" : " UNION ALL ", source ? 's' : 'g');
        add_key_texts(&sql, s->target);
        buf_printf(&sql, ", CAST(h AS pg_catalog.text) FROM (%s",
                   source ? s->comparison->source : s->comparison->ghost);
        add_keys(&sql, s, source, keys, count);
        buf_str(&sql, ") AS r");
    }
    PGresult *res = NULL;
    result = pg_query(s->conn, err, &res, buf_cstr(&sql), 0, NULL);
    buf_fini(&sql);
    if (result != SC_OK)
        return error_wrap(err, "cannot compare the tables");
    for (int i = 0; i < PQntuples(res); i++)
        take_pair(res, i, keys, count, pairs);
    PQclear(res);
    return SC_OK;
}

/* --- what was compared
 * ------------------------------------------------------------------------------------------------ */

enum sc_result pg_verified_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err)
{
    return pg_chunks_recorded(s, "verified", chunks, count, err);
}

enum sc_result pg_verified_store(struct session *s, const struct chunk *chunk, uint64_t rows, struct sc_error *err)
{
    return pg_chunk_record(s, "verified", chunk, rows, true, err);
}
