/* Planted bugs: one violation of a rule at a time, in a build of its own (preset `plants`), to prove that a test
 * notices. plants.def lists them, tests/bugs runs them. In every other build PLANTED() is false and nothing of this is
 * there. */
#ifndef SC_BASE_PLANT_H
#define SC_BASE_PLANT_H

#include <stdbool.h>

enum plant {
    PLANT_NONE,
#define PLANT(name, servers, what) PLANT_##name,
#include "base/plants.def"
#undef PLANT
};

#ifdef SEACHANGE_PLANTS
/* Is it the one that the environment's SEACHANGE_PLANT names? A name that is not known ends the program before main. */
bool plant_is(enum plant plant);
#define PLANTED(name) plant_is(PLANT_##name)
#else
#define PLANTED(name) ((void)PLANT_##name, false)
#endif

#endif
