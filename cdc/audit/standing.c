#include "cdc/audit/standing.h"

#include <string.h>

/* What is before it may hold anything that the operator wrote. */
const char *standing_part(const char *settings, const char *part)
{
    const char *last = NULL;
    for (const char *p = settings; (p = strstr(p, part)) != NULL; p++)
        last = p;
    return last;
}

const char *standing_form(const char *settings)
{
    return standing_part(settings, STANDING_FORM);
}
