/* Where in the log: a file and a 64-bit offset.
 *
 * The offset that an event tells of its end has 32 bits and wraps in files beyond 4 GiB (one large transaction makes
 * such a file whatever max_binlog_size is). So bytes are counted, and what the event tells is only compared. */
#ifndef SC_CDC_MYSQL_POSITION_H
#define SC_CDC_MYSQL_POSITION_H

#include "base/error.h"
#include "cdc/change.h"
#include "cdc/mysql/events.h"

/* Two places have to fit into a struct position (position_text.h). */
#define MY_LOG_FILE_SIZE 224

/* Offsets have 40 bits in struct position's `order`; one transaction of a terabyte is beyond what is supported. */
#define MY_LOG_OFFSET_BITS 40

struct my_log_position {
    char file[MY_LOG_FILE_SIZE]; /* "binlog.000007" */
    uint32_t number;             /* 7 */
    uint64_t offset;             /* of the end of the last event */
};

/* SC_FAIL: the name does not end in a dot and a number, is too long, or has a blank, with which it could not be stored.
 */
enum sc_result my_log_position_set(struct my_log_position *p, const char *file, uint64_t offset, struct sc_error *err);

/* Moves behind the event: ROTATE goes to the new file; what the sender made (artificial, heartbeats) moves nothing. Not
 * for events out of a payload. `gaps`: the server may leave events out (dump by GTID), so the event may end later than
 * one behind the last does; else SC_FAIL when it does not end where it must. */
enum sc_result my_log_position_advance(struct my_log_position *p, const struct my_event *event, bool gaps,
                                       struct sc_error *err);

/* Compares a heartbeat with the position: SC_FAIL when it is another file's or behind us; *ahead when the server has
 * left out events that we did not see (dump by GTID, all of them executed before). */
enum sc_result my_log_position_heartbeat(const struct my_log_position *p, const struct my_heartbeat_event *heartbeat,
                                         bool *ahead, struct sc_error *err);

/* `order` of struct position. */
uint64_t my_log_position_order(const struct my_log_position *p);

/* "binlog.000007:4711" and, if `gtids` is not NULL nor "" and it fits, a blank and that. */
void my_log_position_make(const struct my_log_position *p, const char *gtids, struct position *out);
/* The other way; *gtids (may be NULL) points into position->text, "" when none. */
enum sc_result my_log_position_parse(struct my_log_position *p, const struct position *position, const char **gtids,
                                     struct sc_error *err);

#endif
