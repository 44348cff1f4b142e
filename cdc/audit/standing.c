#include "cdc/audit/standing.h"

#include <string.h>

/* What is before it may hold anything that the operator wrote. */
const char *standing_form(const char *settings)
{
    const char *form = NULL;
    for (const char *p = settings; (p = strstr(p, STANDING_FORM)) != NULL; p++)
        form = p;
    return form;
}
