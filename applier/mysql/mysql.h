/* The engine's side of applying, as the program sees it. MySQL and MariaDB differ in their cutover and some names. */
#ifndef SC_APPLIER_MYSQL_MYSQL_H
#define SC_APPLIER_MYSQL_MYSQL_H

#include "applier/target.h"

extern const struct target_ops mysql_target;

#endif
