/* What must be so before anything is touched. Every reason to refuse is found in one go, each with what to do about it.
 * What the account may do is tried, not read out of its grants: the new table is made for the plan, too (plan.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/dependents.h"
#include "applier/mysql/foreign.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"

/* --- the server's settings ---------------------------------------------------------------------------------------- */

struct setting {
    const char *name, *value;
};

struct settings {
    struct arena arena;
    struct setting *all;
    int count;
};

static const char *setting(const struct settings *s, const char *name)
{
    for (int i = 0; i < s->count; i++)
        if (strcasecmp(s->all[i].name, name) == 0)
            return s->all[i].value;
    return "";
}

static enum sc_result load_settings(struct target *t, struct settings *s, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    *s = (struct settings){0};
    enum sc_result result = my_query(t->control, err, &res, "SHOW GLOBAL VARIABLES");
    if (result != SC_OK)
        return error_wrap(err, "preflight");
    s->all = arena_array(&s->arena, (size_t)mysql_num_rows(res) + 1, sizeof(*s->all));
    for (MYSQL_ROW row; (row = mysql_fetch_row(res)) != NULL;)
        s->all[s->count++] = (struct setting){arena_strdup(&s->arena, row[0]), arena_strdup(&s->arena, row[1])};
    mysql_free_result(res);
    return SC_OK;
}

/* A setting that must have one of the values, where the server has it at all. `how` says what to do. */
static const struct {
    const char *name, *values[3], *what, *how;
} wanted[] = {
    {"log_bin", {"ON"}, "the binary log is off", "Start the server with log_bin."},
    {"binlog_format",
     {"ROW"},
     "binlog_format is not ROW: the log does not tell which rows change",
     "SET GLOBAL binlog_format = ROW, and reconnect all clients."},
    {"binlog_row_image",
     {"FULL"},
     "binlog_row_image is not FULL: the log leaves columns out",
     "SET GLOBAL binlog_row_image = FULL, and reconnect all clients."},
    {"binlog_row_value_options",
     {""},
     "binlog_row_value_options is PARTIAL_JSON: the log tells only parts of JSON values",
     "SET GLOBAL binlog_row_value_options = '', and reconnect all clients."},
    {"binlog_order_commits",
     {"ON"},
     "binlog_order_commits is OFF: transactions can become visible in another order than the log's",
     "SET GLOBAL binlog_order_commits = ON."},
    {"super_read_only", {"OFF"}, "the server is read-only", "Connect to the primary."},
    {"read_only", {"OFF"}, "the server is read-only", "Connect to the primary."},
    {"innodb_read_only", {"OFF"}, "InnoDB is read-only", "Connect to the primary."},
    {"innodb_force_recovery", {"0"}, "innodb_force_recovery is set", "Restart the server without it."},
    {"wsrep_on",
     {"OFF"},
     "the server is part of a Galera cluster, whose other nodes write without this one's locks",
     "Galera clusters are not supported."},
    {"group_replication_single_primary_mode",
     {"ON"},
     "the server's group has several primaries, which write without this one's locks",
     "Switch the group to single-primary mode."},
};

static void check_settings(struct target *t, const struct settings *s, struct plan *plan)
{
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *value = NULL;
        for (int k = 0; k < s->count; k++)
            if (strcasecmp(s->all[k].name, wanted[i].name) == 0)
                value = s->all[k].value;
        bool right = !value;
        for (size_t k = 0; k < sizeof(wanted[i].values) / sizeof(wanted[i].values[0]) && !right; k++)
            right = wanted[i].values[k] && strcasecmp(value, wanted[i].values[k]) == 0;
        char *refusal = mem_printf("%s. %s", wanted[i].what, wanted[i].how);
        if (!right && !strlist_has(&plan->refusals, refusal))
            strlist_add(&plan->refusals, refusal);
        mem_free(refusal);
    }
    long long keep_s = strtoll(setting(s, "binlog_expire_logs_seconds"), NULL, 10);
    if (keep_s > 0 && keep_s < 86400)
        strlist_addf(&plan->warnings,
                     "binlog_expire_logs_seconds is %lld: a migration that is interrupted for longer has to start over",
                     keep_s);
    int newest = t->server.family == MY_MARIADB ? 1108 : 907;
    if (t->server.version / 100 > newest)
        strlist_addf(&plan->warnings, "%s %s is newer than this seachange was tested with",
                     t->server.family == MY_MARIADB ? "MariaDB" : "MySQL", t->server.version_text);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

static bool lists(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (strncasecmp(p, name, len) == 0 && (p[len] == ',' || p[len] == 0))
            return true;
    return false;
}

/* SHOW MASTER STATUS: the privilege, and what the log leaves out. */
static enum sc_result check_log(struct target *t, const struct settings *s, struct plan *plan, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(t->control, err, &res, my_log_status_sql(t));
    if (result == SC_FAIL) {
        strlist_addf(
            &plan->refusals,
            "the account %s may not ask for the place in the binary log. GRANT REPLICATION CLIENT, REPLICATION "
            "SLAVE ON *.* TO it%s.",
            t->server.user, t->server.family == MY_MARIADB ? " (MariaDB: BINLOG MONITOR)" : "");
        return SC_OK;
    }
    if (result != SC_OK)
        return result;
    bool reads = false;
    result = my_granted_everywhere(t, "REPLICATION SLAVE", &reads, err);
    if (result == SC_OK && !reads)
        strlist_addf(&plan->refusals,
                     "the account %s may not read the binary log. GRANT REPLICATION SLAVE ON *.* TO it.",
                     t->server.user);
    MYSQL_ROW row = mysql_fetch_row(res);
    const char *only = row ? my_column_text(res, row, "Binlog_Do_DB") : NULL,
               *without = row ? my_column_text(res, row, "Binlog_Ignore_DB") : NULL;
    if ((only && *only && !lists(only, t->schema)) || lists(without, t->schema))
        strlist_addf(&plan->refusals,
                     "database %s is not in the binary log (binlog_do_db, binlog_ignore_db). Take it in, and restart "
                     "the server.",
                     t->schema);
    mysql_free_result(res);
    res = NULL;
    const char *pass_on = setting(s, "log_replica_updates");
    if (!*pass_on)
        pass_on = setting(s, "log_slave_updates");
    bool old = t->server.family == MY_MARIADB || t->server.version < 80022;
    struct sc_error ignored;
    if (result == SC_OK && strcasecmp(pass_on, "OFF") == 0 &&
        my_query(t->control, &ignored, &res, old ? "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS") == SC_OK) {
        if (mysql_num_rows(res) > 0)
            strlist_add(&plan->refusals,
                        "the server is a replica that does not log what it replicates (log_slave_updates is OFF). "
                        "Connect to the primary.");
        mysql_free_result(res);
    }
    if (result != SC_OK)
        return result;
    my_check_replica(t, plan);
    return my_alive(t->control) ? SC_OK : error_set(err, SC_RETRY, "the connection was lost in the preflight");
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static bool check_kind(struct target *t, struct plan *plan)
{
    static const char *const systems[] = {"mysql", "sys", "information_schema", "performance_schema"};
    const struct my_table *source = &t->source;
    size_t before = plan->refusals.count;
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
        if (strcasecmp(source->schema, systems[i]) == 0) {
            strlist_add(&plan->refusals, "it belongs to the system. Only tables of applications can be migrated.");
            return false;
        }
    if (strcasecmp(source->type, "BASE TABLE") != 0)
        strlist_addf(&plan->refusals, "it is %s. Only ordinary tables can be migrated.",
                     strcasecmp(source->type, "VIEW") == 0               ? "a view"
                     : strcasecmp(source->type, "SEQUENCE") == 0         ? "a sequence"
                     : strcasecmp(source->type, "SYSTEM VERSIONED") == 0 ? "system-versioned"
                                                                         : source->type);
    else if (strcasecmp(source->engine, "InnoDB") != 0)
        strlist_addf(&plan->refusals,
                     "its engine is %s. Only InnoDB tables can be followed exactly; ALTER TABLE ... ENGINE=InnoDB "
                     "first.",
                     source->engine);
    else if (strncmp(source->name, "_seachange_", 11) == 0 || strstr(source->name, MY_NEW_SUFFIX) ||
             strstr(source->name, MY_OLD_SUFFIX))
        strlist_add(&plan->refusals, "by its name it is a table of seachange. Only tables of applications can be "
                                     "migrated.");
    return plan->refusals.count == before;
}

static void check_columns(struct target *t, struct plan *plan)
{
    static const char *const known[] = {
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "bigint",
        "decimal",
        "float",
        "double",
        "bit",
        "year",
        "date",
        "time",
        "datetime",
        "timestamp",
        "char",
        "varchar",
        "binary",
        "varbinary",
        "tinytext",
        "text",
        "mediumtext",
        "longtext",
        "tinyblob",
        "blob",
        "mediumblob",
        "longblob",
        "enum",
        "set",
        "json",
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
        "uuid",
        "inet4",
        "inet6",
        "vector",
    };
    for (int i = 0; i < t->source.ncolumns; i++) {
        const struct my_column *c = &t->source.columns[i];
        bool found = false;
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]) && !found; k++)
            found = strcasecmp(known[k], c->data_type) == 0;
        if (!found)
            strlist_addf(&plan->refusals,
                         "column %s has type %s, which this seachange cannot read in the binary log. Only changes of "
                         "known types can be followed.",
                         c->name, c->type);
        else if (strstr(c->type, "COMPRESSED") || strcasestr(c->definition, " COMPRESSED"))
            strlist_addf(&plan->refusals,
                         "column %s is COMPRESSED, which this seachange cannot read in the binary log. Make it an "
                         "ordinary column first.",
                         c->name);
    }
}

/* The generated column that keeps a unique index from being the key; NULL: it is not for one. */
static const struct my_column *generated_in_key(const struct my_table *source)
{
    for (int i = 0; i < source->nindexes; i++) {
        const struct my_index *index = &source->indexes[i];
        if (index->kind != MY_INDEX_PRIMARY && index->kind != MY_INDEX_UNIQUE)
            continue;
        for (int k = 0; k < index->count; k++)
            if (index->columns[k] >= 0 && source->columns[index->columns[k]].generated)
                return &source->columns[index->columns[k]];
    }
    return NULL;
}

static void check_definition(struct target *t, struct plan *plan)
{
    bool usable = false;
    for (int i = 0; i < t->source.nindexes; i++)
        usable = usable || t->source.indexes[i].usable;
    const struct my_column *generated = generated_in_key(&t->source);
    if (!usable && generated)
        strlist_addf(&plan->refusals,
                     "it has no key that rows can be copied along: column %s is generated, so its values cannot be "
                     "written. Add a unique index over whole ordinary columns that are NOT NULL first.",
                     generated->name);
    else if (!usable)
        strlist_add(&plan->refusals,
                    "it has no key: neither a primary key nor a unique index over whole columns that are NOT NULL. Add "
                    "a primary key first.");
    if (strstr(t->source.create, "\n  PERIOD FOR ") || strstr(t->source.create, "WITH SYSTEM VERSIONING"))
        strlist_add(&plan->refusals, "it has a period or system versioning. Such tables cannot be copied.");
    /* MariaDB: the hash is a column that the log has and the catalog has not. */
    for (int i = 0; i < t->source.nindexes; i++)
        if (t->server.family == MY_MARIADB && strncmp(t->source.indexes[i].definition, "UNIQUE ", 7) == 0 &&
            strstr(t->source.indexes[i].definition, ") USING HASH"))
            strlist_addf(
                &plan->refusals,
                "its unique index %s is USING HASH, by a hidden column that the log cannot be told apart with. "
                "Drop that index for the time of the migration.",
                t->source.indexes[i].name);
    if (strstr(t->source.create, " DATA DIRECTORY=") || strstr(t->source.create, " DATA DIRECTORY ="))
        strlist_add(&plan->refusals, "it lies in a directory of its own (DATA DIRECTORY), which the new table would "
                                     "not. Move it into the default directory first.");
}

/* Without a log there is nothing to ask of it. */
static enum sc_result check_server(struct target *t, struct settings *settings, struct plan *plan, struct sc_error *err)
{
    enum sc_result result = load_settings(t, settings, err);
    if (result != SC_OK)
        return result;
    check_settings(t, settings, plan);
    return strcasecmp(setting(settings, "log_bin"), "ON") == 0 ? check_log(t, settings, plan, err) : SC_OK;
}

enum sc_result my_audit_log_check(struct target *t, struct plan *plan, struct sc_error *err)
{
    struct settings settings;
    enum sc_result result = check_server(t, &settings, plan, err);
    arena_fini(&settings.arena);
    return result == SC_OK ? my_foreign_check(t, plan, err)
                           : result; /* what their actions change may not be in the log */
}

enum sc_result my_preflight(struct target *t, struct plan *plan, struct sc_error *err)
{
    enum sc_result result = my_resolve_table(t, err);
    if (result != SC_OK)
        return result;
    my_table_fini(&t->source);
    result = my_table_load(t->control, t->schema, t->name, &t->source, err);
    if (result != SC_OK)
        return result;
    mem_free(plan->table);
    plan->table = my_shown_name(t->schema, t->name);
    plan->rows = t->source.rows_estimated;
    plan->table_bytes = t->source.data_bytes;
    plan->index_bytes = t->source.index_bytes;
    /* Of a view, say, nothing else needs to be said. */
    if (!check_kind(t, plan))
        return SC_OK;
    struct settings settings;
    result = check_server(t, &settings, plan, err);
    arena_fini(&settings.arena);
    if (result == SC_OK) {
        check_columns(t, plan);
        check_definition(t, plan);
    }
    if (result == SC_OK && t->spec.kill_blockers_ms > 0)
        result = my_blockers_may_end(t, &plan->refusals, err);
    if (result == SC_OK)
        result = my_dependents_check(t, plan, err);
    mem_free(t->fingerprint);
    t->fingerprint = NULL;
    if (result == SC_OK)
        result = my_fingerprint(t->control, t->schema, t->name, &t->fingerprint, err);
    return result;
}
