/* Type numbers of columns in the binary log. Facts: MySQL source, include/field_types.h; MariaDB source,
 * include/mysql_com.h. Named here, as the client library's header has only those of its own family. */
#ifndef SC_CDC_MYSQL_TYPES_H
#define SC_CDC_MYSQL_TYPES_H

enum my_log_type {
    MY_LOG_DECIMAL = 0, /* before MySQL 5.0 */
    MY_LOG_TINY = 1,
    MY_LOG_SHORT = 2,
    MY_LOG_LONG = 3,
    MY_LOG_FLOAT = 4,
    MY_LOG_DOUBLE = 5,
    MY_LOG_NULL = 6,
    MY_LOG_TIMESTAMP = 7, /* MariaDB's old forms too, as TIME and DATETIME */
    MY_LOG_LONGLONG = 8,
    MY_LOG_INT24 = 9,
    MY_LOG_DATE = 10,
    MY_LOG_TIME = 11,
    MY_LOG_DATETIME = 12,
    MY_LOG_YEAR = 13,
    MY_LOG_NEWDATE = 14,
    MY_LOG_VARCHAR = 15,
    MY_LOG_BIT = 16,
    MY_LOG_TIMESTAMP2 = 17,
    MY_LOG_DATETIME2 = 18,
    MY_LOG_TIME2 = 19,
    MY_LOG_BLOB_COMPRESSED = 140,    /* MariaDB */
    MY_LOG_VARCHAR_COMPRESSED = 141, /* MariaDB */
    MY_LOG_VECTOR = 242,             /* MySQL 9 */
    MY_LOG_JSON = 245,
    MY_LOG_NEWDECIMAL = 246,
    MY_LOG_ENUM = 247,
    MY_LOG_SET = 248,
    MY_LOG_TINY_BLOB = 249,
    MY_LOG_MEDIUM_BLOB = 250,
    MY_LOG_LONG_BLOB = 251,
    MY_LOG_BLOB = 252,
    MY_LOG_VAR_STRING = 253,
    MY_LOG_STRING = 254,
    MY_LOG_GEOMETRY = 255,
};

#endif
