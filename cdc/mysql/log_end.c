#include "cdc/mysql/log_end.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/plant.h"
#include "cdc/mysql/gtid.h"
#include "cdc/mysql/position.h"
#include "cdc/mysql/position_text.h"

enum {
    ANSWER_WITHIN_MS = 15000,
    NEW_NAME_MYSQL = 80200, /* SHOW BINARY LOG STATUS; the old one is gone in 8.4 */
};

static enum sc_result gtids_of(struct my_conn *conn, char **out, struct sc_error *err)
{
    const char *sql =
        conn->server->family == MY_MARIADB ? "SELECT @@GLOBAL.gtid_binlog_pos" : "SELECT @@GLOBAL.gtid_executed";
    MYSQL_RES *res = NULL;
    *out = NULL;
    enum sc_result result = my_query_within(conn, err, &res, ANSWER_WITHIN_MS, sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row && row[0])
        *out = mem_strdup(row[0]);
    if (res)
        mysql_free_result(res);
    /* The server breaks long sets into lines. */
    char *to = *out;
    for (const char *p = *out; p && *p; p++)
        if (*p != '\n' && *p != ' ')
            *to++ = *p;
    if (to)
        *to = 0;
    return result;
}

enum sc_result my_log_end(struct my_conn *conn, struct position *out, struct sc_error *err)
{
    *out = (struct position){0};
    const struct my_server *server = conn->server;
    bool old = server->family == MY_MARIADB || server->version < NEW_NAME_MYSQL;
    char *gtids = NULL;
    /* Asked first: what commits in between is in the position, so the GTIDs never say more than was written before. */
    enum sc_result result = gtids_of(conn, &gtids, err);
    MYSQL_RES *res = NULL;
    if (result == SC_OK)
        result =
            my_query_within(conn, err, &res, ANSWER_WITHIN_MS, old ? "SHOW MASTER STATUS" : "SHOW BINARY LOG STATUS");
    if (result == SC_FAIL)
        result = err->result = SC_REFUSE;
    if (result == SC_OK) {
        MYSQL_ROW row = mysql_fetch_row(res);
        struct my_log_position at;
        if (!row || !row[0] || !row[1]) {
            result = error_set(err, SC_REFUSE, "the server writes no binary log (log_bin)");
        } else {
            result = my_log_position_set(&at, row[0], strtoull(row[1], NULL, 10), err);
            if (result == SC_OK)
                my_log_position_make(&at, gtids, out);
        }
    }
    if (res)
        mysql_free_result(res);
    mem_free(gtids);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot learn where the server's binary log ends");
}

static enum sc_result was_set_back(const struct position *at, const struct position *end, struct sc_error *err)
{
    error_set(err, SC_REFUSE,
              "the server's binary log ends at %.200s, but this migration has seen it up to %.200s: it "
              "was reset or set back",
              end->text, at->text);
    return error_hint(err, "Changes that this migration has not seen can no longer be read, so it cannot be completed. "
                           "The source table is untouched. Abort the migration and start it again.");
}

static enum sc_result executed_is_kept(const char *seen, const char *now, bool *kept, struct sc_error *err)
{
    struct my_gtid_set part = {0}, whole = {0};
    enum sc_result result = my_gtid_set_parse(&part, seen, err);
    if (result == SC_OK)
        result = my_gtid_set_parse(&whole, now, err);
    *kept = result == SC_OK && my_gtid_set_is_subset(&part, &whole);
    my_gtid_set_fini(&part);
    my_gtid_set_fini(&whole);
    return result;
}

static enum sc_result domains_are_kept(const char *seen, const char *now, bool *kept, struct sc_error *err)
{
    struct my_domain_position part = {0}, whole = {0};
    enum sc_result result = my_domain_position_parse(&part, seen, err);
    if (result == SC_OK)
        result = my_domain_position_parse(&whole, now, err);
    *kept = result == SC_OK;
    for (size_t i = 0; result == SC_OK && i < part.count; i++) {
        const struct my_domain_gtid *there = my_domain_position_find(&whole, part.items[i].domain);
        *kept &= there && there->number >= part.items[i].number;
    }
    my_domain_position_fini(&part);
    my_domain_position_fini(&whole);
    return result;
}

enum sc_result my_log_check_history(const struct my_server *server, const struct position *at,
                                    const struct position *end, bool *maybe_later, struct sc_error *err)
{
    *maybe_later = false;
    if (PLANTED(C2_GAP_PASSED_OVER))
        return SC_OK;
    if (at->order > end->order)
        return was_set_back(at, end, err);
    struct my_log_position ignored;
    char *seen = NULL, *now = NULL;
    bool kept = true;
    enum sc_result result = my_position_read(at, &ignored, &ignored, &seen, err);
    if (result == SC_OK)
        result = my_position_read(end, &ignored, &ignored, &now, err);
    /* A set that did not fit into the position is not there. */
    if (result == SC_OK && seen[0] && now[0])
        result = server->family == MY_MARIADB ? domains_are_kept(seen, now, &kept, err)
                                              : executed_is_kept(seen, now, &kept, err);
    mem_free(seen);
    mem_free(now);
    *maybe_later = result == SC_OK && !kept;
    return *maybe_later ? was_set_back(at, end, err) : result;
}

static enum sc_result log_was_purged(struct my_conn *conn, const char *file, bool *purged, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(conn, err, &res, "SHOW BINARY LOGS");
    *purged = result == SC_OK;
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;)
        if (row[0] && strcmp(row[0], file) == 0)
            *purged = false;
    mysql_free_result(res);
    return result;
}

enum sc_result my_log_is_lost(const struct my_server *server, struct my_conn *conn, const struct position *at,
                              char **why, struct sc_error *err)
{
    struct position end;
    *why = NULL;
    struct my_log_position place, from;
    bool purged = false, maybe_later = false;
    char *gtids = NULL;
    enum sc_result result = my_position_read(at, &place, &from, &gtids, err);
    mem_free(gtids);
    if (result == SC_OK)
        result = log_was_purged(conn, from.file, &purged, err);
    if (result == SC_OK && purged) {
        *why = mem_printf("the server no longer has its binary log %s, from which it would have to be read", from.file);
        return SC_OK;
    }
    if (result == SC_OK)
        result = my_log_end(conn, &end, err);
    if (result == SC_OK && my_log_check_history(server, at, &end, &maybe_later, err) == SC_REFUSE)
        *why = mem_strdup("the server's binary log was reset or set back");
    return result;
}

enum sc_result my_log_describes(struct my_conn *conn, bool *out, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    *out = false;
    enum sc_result result =
        my_query_within(conn, err, &res, ANSWER_WITHIN_MS, "SHOW GLOBAL VARIABLES LIKE 'binlog_row_metadata'");
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    *out = row && row[1] && strcasecmp(row[1], "FULL") == 0;
    if (res)
        mysql_free_result(res);
    return result;
}
