#include "coordinator/phase.h"

#define BIT(phase) (1u << (phase))

static const struct {
    const char *name, *meaning;
    unsigned next;
} phases[] = {
    [PHASE_PREFLIGHT] = {"preflight", "everything is checked, nothing is touched", BIT(PHASE_PREPARE)},
    [PHASE_PREPARE] = {"prepare", "place in the log and new table are made",
                       BIT(PHASE_COPY) | BIT(PHASE_ABORTED) | BIT(PHASE_FAILED)},
    [PHASE_COPY] = {"copy", "rows are copied in chunks, changes are applied in between",
                    BIT(PHASE_INDEX) | BIT(PHASE_ABORTED) | BIT(PHASE_FAILED)},
    [PHASE_INDEX] = {"index", "indexes and constraints are built on the new table, changes wait",
                     BIT(PHASE_CATCH_UP) | BIT(PHASE_ABORTED) | BIT(PHASE_FAILED)},
    [PHASE_CATCH_UP] = {"catch-up", "changes that came meanwhile are applied",
                        BIT(PHASE_VERIFY) | BIT(PHASE_READY) | BIT(PHASE_ABORTED) | BIT(PHASE_FAILED)},
    [PHASE_VERIFY] = {"verify", "every row of both tables is compared, changes are applied meanwhile",
                      BIT(PHASE_READY) | BIT(PHASE_ABORTED) | BIT(PHASE_FAILED)},
    [PHASE_READY] = {"ready", "the new table is in step",
                     BIT(PHASE_CUTOVER) | BIT(PHASE_VERIFY) | BIT(PHASE_ABORTED) | BIT(PHASE_FAILED)},
    [PHASE_CUTOVER] = {"cutover", "the tables change places in one transaction",
                       BIT(PHASE_CLEANUP) | BIT(PHASE_VERIFY) | BIT(PHASE_ABORTED) | BIT(PHASE_FAILED)},
    [PHASE_CLEANUP] = {"cleanup", "swapped; constraints are validated, what is ours is removed", BIT(PHASE_DONE)},
    [PHASE_DONE] = {"done", "nothing is left to do", 0},
    [PHASE_ABORTED] = {"aborted", "removed by the operator", 0},
    [PHASE_FAILED] = {"failed", "cannot go on; the source is untouched", BIT(PHASE_ABORTED)},
};

const char *phase_name(enum phase phase)
{
    return phases[phase].name;
}

const char *phase_meaning(enum phase phase)
{
    return phases[phase].meaning;
}

bool phase_may_follow(enum phase from, enum phase to)
{
    return from == to || (phases[from].next & BIT(to));
}
