/* The engines this program speaks: one row for each, found by the URL's scheme. The rest of src/ knows no engine by
 * name. */
#ifndef SC_ENGINES_H
#define SC_ENGINES_H

#include "applier/target.h"
#include "base/mem.h"
#include "cdc/audit/standing.h"
#include "cdc/source.h"

struct engine {
    const char *name;           /* "PostgreSQL" */
    const char *const *schemes; /* "postgresql", ...; ends with NULL */
    bool conninfo;              /* takes "key=value ..." strings too */
    const struct source_ops *source;
    const struct target_ops *target;
    const struct standing_ops *standing;
};

/* The engine that a connection URL (or conninfo string) is for; NULL when none is. */
const struct engine *engine_of_url(const char *url);

/* Appends what may stand in --source, for people: "postgresql://, postgres://, a libpq string (host=... dbname=...)".
 */
void engines_describe(struct buf *out);

/* Adds "name version" of each library the engines are built on. */
void engines_versions(struct strlist *out);

#endif
