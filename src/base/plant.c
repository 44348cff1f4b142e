#include "base/plant.h"

#ifdef SEACHANGE_PLANTS

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [PLANT_NONE] = "",
#define PLANT(name, servers, what) [PLANT_##name] = #name,
#include "base/plants.def"
#undef PLANT
};

static enum plant chosen;

/* Before main: every program of this build has it, tests included, and no thread is there yet. */
__attribute__((constructor)) static void choose(void)
{
    const char *name = getenv("SEACHANGE_PLANT");
    if (!name)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            chosen = (enum plant)i;
            return;
        }
    }
    fprintf(stderr, "SEACHANGE_PLANT: there is no planted bug %s\n", name);
    exit(2);
}

bool plant_is(enum plant plant)
{
    return plant == chosen;
}

#else

/* An empty translation unit is none. */
typedef int plant_none;

#endif
