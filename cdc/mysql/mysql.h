/* The binary log as a source of changes, as the program sees it. One implementation serves MySQL and MariaDB. */
#ifndef SC_CDC_MYSQL_MYSQL_H
#define SC_CDC_MYSQL_MYSQL_H

#include "cdc/source.h"

extern const struct source_ops mysql_source;

#endif
