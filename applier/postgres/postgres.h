/* The engine's side of applying, as the program sees it. */
#ifndef SC_APPLIER_POSTGRES_POSTGRES_H
#define SC_APPLIER_POSTGRES_POSTGRES_H

#include "applier/target.h"

extern const struct target_ops postgres_target;

#endif
