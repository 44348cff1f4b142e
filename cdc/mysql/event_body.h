/* Bodies of events, for cdc/mysql/events.c alone: the common header is read, the checksum is checked and taken off.
 * Each returns NULL, or what is wrong with the body (static text). That the reader is still ok is checked by the
 * caller. */
#ifndef SC_CDC_MYSQL_EVENT_BODY_H
#define SC_CDC_MYSQL_EVENT_BODY_H

#include "cdc/mysql/events.h"

struct my_body {
    const struct my_decoder *decoder;
    struct arena *arena;
    struct reader r;
    uint8_t post_header; /* length by the FORMAT event */
};

const char *my_body_table_map(struct my_body *b, struct my_event *event);
const char *my_body_rows(struct my_body *b, struct my_event *event);
const char *my_body_gtid(struct my_body *b, struct my_event *event);
const char *my_body_gtid_tagged(struct my_body *b, struct my_event *event);
const char *my_body_mariadb_gtid(struct my_body *b, struct my_event *event);
const char *my_body_mariadb_gtid_list(struct my_body *b, struct my_event *event);
const char *my_body_payload(struct my_body *b, struct my_event *event);
const char *my_body_heartbeat(struct my_body *b, struct my_event *event);

#endif
