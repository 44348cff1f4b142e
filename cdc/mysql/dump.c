#include "cdc/mysql/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_WITHIN_MS = 15000,
    ERROR_READING_LOG = 1236, /* ER_MASTER_FATAL_ERROR_READING_BINLOG, ER_SOURCE_... */
    ACCESS_DENIED = 1045,
    PRIVILEGE_NEEDED = 1227,
    SAME_ID = 4052,         /* MariaDB: ER_SLAVE_SAME_ID */
    SEND_ANNOTATE_ROWS = 2, /* MariaDB: nothing is left out, so that every byte is accounted for */
};

/* --- who reads --- */

static uint64_t hash(const char *text, uint32_t turn)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        h = (h ^ *p) * UINT64_C(1099511628211);
    h = (h ^ turn) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

/* The upper half of the numbers: people give small ones to their servers. */
uint32_t my_dump_reader_id(const char *who, uint32_t turn, uint32_t server_id)
{
    uint32_t id = (uint32_t)hash(who, turn) | UINT32_C(0x80000000);
    return id == server_id ? id ^ 1 : id;
}

/* MySQL tells readers apart by this first. */
static void add_uuid(struct buf *sql, uint32_t reader_id)
{
    buf_printf(sql, "'5eac4a9e-0000-4000-8000-0000%08" PRIx32 "'", reader_id);
}

/* --- errors --- */

static bool says(const struct sc_error *err, const char *text)
{
    return strcasestr(err->what, text) != NULL;
}

static enum sc_result gone(struct sc_error *err)
{
    error_wrap(err, "the server's binary log cannot be read on from our position");
    err->result = SC_REFUSE;
    return error_hint(err, "Changes that this migration has not seen can no longer be read, so it cannot be completed. "
                           "The source table is untouched. Abort the migration and start it again; keep the binary log "
                           "for longer if it was purged (binlog_expire_logs_seconds, expire_logs_days).");
}

/* Error 1236 stands for everything that keeps a server from reading its log; only the text tells. */
static enum sc_result failed(struct my_dump *dump, bool *fight, struct sc_error *err)
{
    struct sc_error own;
    if (!err)
        err = &own;
    enum sc_result result = my_failed(dump->conn, err);
    unsigned error = my_errno(dump->conn);
    if (error == SAME_ID || (error == ERROR_READING_LOG && says(err, "same server"))) {
        *fight = true;
        error_wrap(err, "another reader of the same number has connected");
        return err->result = SC_RETRY;
    }
    if (error == ACCESS_DENIED || error == PRIVILEGE_NEEDED) {
        error_wrap(err, "the account may not read the binary log");
        err->result = SC_REFUSE;
        return error_hint(err, "Grant it REPLICATION SLAVE (MariaDB: REPLICATION SLAVE or REPLICATION REPLICA).");
    }
    if (error != ERROR_READING_LOG)
        return error_wrap(err, "the binary log's stream was lost"), err->result = result;
    if (says(err, "could not find first log") || says(err, "impossible position") ||
        says(err, "position > file size") || says(err, "purged") || says(err, "not open") ||
        says(err, "could not find next log"))
        return gone(err);
    error_wrap(err, "the server cannot send its binary log");
    error_hint(err, "The source table is untouched. Without its log the migration cannot be completed.");
    return err->result = SC_FAIL;
}

/* --- the session --- */

/* Old and new names of the same settings (MySQL 8.0.26); a user variable that nobody reads does no harm. Checksums: as
 * the log has them. Capability 4: MariaDB sends its GTIDs and all event types that came with them. */
static enum sc_result tell(struct my_conn *conn, uint32_t reader_id, int heartbeat_ms, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SET @master_binlog_checksum = @@GLOBAL.binlog_checksum,"
                  " @source_binlog_checksum = @@GLOBAL.binlog_checksum");
    uint64_t period_ns = (uint64_t)heartbeat_ms * 1000000;
    buf_printf(&sql, ", @master_heartbeat_period = %" PRIu64 ", @source_heartbeat_period = %" PRIu64, period_ns,
               period_ns);
    if (conn->server->family == MY_MARIADB) {
        buf_str(&sql, ", @mariadb_slave_capability = 4");
    } else {
        buf_str(&sql, ", @slave_uuid = ");
        add_uuid(&sql, reader_id);
        buf_str(&sql, ", @replica_uuid = ");
        add_uuid(&sql, reader_id);
    }
    enum sc_result result = my_query_within(conn, err, NULL, ANSWER_WITHIN_MS, buf_cstr(&sql));
    buf_fini(&sql);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot tell the server how the binary log is to be sent");
}

/* --- the stream, by client library --- */

#ifdef MARIADB_PACKAGE_VERSION

/* Connector/C's mariadb_rpl_fetch() reads into events itself, and ends the stream at the first one it does not know
 * (MySQL's compressed transactions among them). The library's own packets are what we want; it exports both parts, the
 * second without a declaration. */
unsigned long STDCALL mysql_net_read_packet(MYSQL *mysql);

/* packet_error of ma_net.h: all ones of an unsigned int. No packet is so long. */
#define PACKET_ERROR 0xffffffffUL

static enum sc_result send_command(struct my_dump *dump, uint32_t offset, uint32_t reader_id, struct sc_error *err)
{
    MYSQL *my = dump->conn->my;
    unsigned char fixed[10];
    uint16_t flags = dump->conn->server->family == MY_MARIADB ? SEND_ANNOTATE_ROWS : 0;
    for (int i = 0; i < 4; i++) {
        fixed[i] = (unsigned char)(offset >> 8 * i);
        fixed[6 + i] = (unsigned char)(reader_id >> 8 * i);
    }
    fixed[4] = (unsigned char)flags;
    fixed[5] = (unsigned char)(flags >> 8);
    struct buf command = {0};
    buf_bytes(&command, fixed, sizeof(fixed));
    buf_str(&command, dump->file);
    int status = my->methods->db_command(my, COM_BINLOG_DUMP, command.data, command.len, 1, NULL);
    buf_fini(&command);
    bool fight = false;
    return status == 0 ? SC_OK : failed(dump, &fight, err);
}

enum sc_result my_dump_fetch(struct my_dump *dump, const uint8_t **event, size_t *len, bool *fight,
                             struct sc_error *err)
{
    MYSQL *my = dump->conn->my;
    *fight = false;
    unsigned long got = mysql_net_read_packet(my);
    if (got >= PACKET_ERROR)
        return failed(dump, fight, err);
    const uint8_t *packet = my->net.read_pos;
    if (got > 0 && got < 8 && packet[0] == 0xfe)
        return error_set(err, SC_RETRY, "the server ended the binary log's stream");
    if (got < 1 || packet[0] != 0)
        return error_set(err, SC_FAIL, "the server sent something else than an event of its binary log");
    *event = packet + 1;
    *len = got - 1;
    return SC_OK;
}

void my_dump_close(struct my_dump *dump)
{
    mem_free(dump->file);
    *dump = (struct my_dump){0};
}

#else

static enum sc_result send_command(struct my_dump *dump, uint32_t offset, uint32_t reader_id, struct sc_error *err)
{
    MYSQL_RPL *rpl = mem_alloc(sizeof(*rpl));
    dump->library = rpl;
    rpl->file_name = dump->file;
    rpl->file_name_length = strlen(dump->file);
    rpl->start_position = offset;
    rpl->server_id = reader_id;
    rpl->flags = dump->conn->server->family == MY_MARIADB ? SEND_ANNOTATE_ROWS : 0;
    bool fight = false;
    return mysql_binlog_open(dump->conn->my, rpl) == 0 ? SC_OK : failed(dump, &fight, err);
}

enum sc_result my_dump_fetch(struct my_dump *dump, const uint8_t **event, size_t *len, bool *fight,
                             struct sc_error *err)
{
    MYSQL_RPL *rpl = dump->library;
    *fight = false;
    if (mysql_binlog_fetch(dump->conn->my, rpl) != 0)
        return failed(dump, fight, err);
    if (rpl->size == 0)
        return error_set(err, SC_RETRY, "the server ended the binary log's stream");
    if (rpl->buffer[0] != 0)
        return error_set(err, SC_FAIL, "the server sent something else than an event of its binary log");
    *event = rpl->buffer + 1;
    *len = rpl->size - 1;
    return SC_OK;
}

void my_dump_close(struct my_dump *dump)
{
    if (dump->library)
        mysql_binlog_close(dump->conn->my, dump->library);
    mem_free(dump->library);
    mem_free(dump->file);
    *dump = (struct my_dump){0};
}

#endif

enum sc_result my_dump_open(struct my_dump *dump, struct my_conn *conn, const char *file, uint32_t offset,
                            uint32_t reader_id, int heartbeat_ms, struct sc_error *err)
{
    *dump = (struct my_dump){.conn = conn, .file = mem_strdup(file)};
    enum sc_result result = tell(conn, reader_id, heartbeat_ms, err);
    if (result == SC_OK)
        result = send_command(dump, offset, reader_id, err);
    if (result != SC_OK)
        my_dump_close(dump);
    return result;
}
