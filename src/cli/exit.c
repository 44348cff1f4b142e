#include "cli/exit.h"

const struct exit_text exit_texts[] = {
    {EXIT_DONE, "done: swapped (migrate), removed (abort), can be done (plan), the same (verify), whole (audit check), "
                "stopped, and goes on with the same command (audit)"},
    {EXIT_USAGE, "wrong usage; nothing was connected to"},
    {EXIT_REFUSED, "refused: the table is untouched, and what was made before is kept"},
    {EXIT_FAILED,
     "failed; the source table is untouched, and `seachange list` shows what is left; verify: rows differ; "
     "audit: its message says what of it is in Kafka; audit check: the trail is broken, or is not what the table is"},
    {EXIT_UNKNOWN, "whether the swap happened could not be learnt; the message says how to find out"},
    {EXIT_RESUMABLE,
     "interrupted, or another seachange has taken over, or the server could not be reached, or the spool "
     "had no room, or Kafka took nothing; the same command goes on where it was (verify, audit check: begin anew)"},
};
const size_t exit_text_count = sizeof(exit_texts) / sizeof(exit_texts[0]);

int exit_status_of(enum sc_result result)
{
    switch (result) {
    case SC_OK:
        return EXIT_DONE;
    case SC_REFUSE:
        return EXIT_REFUSED;
    case SC_FAIL:
        return EXIT_FAILED;
    case SC_UNKNOWN:
        return EXIT_UNKNOWN;
    case SC_STOP:
    case SC_RETRY:
    case SC_FENCED:
        return EXIT_RESUMABLE;
    }
    return EXIT_FAILED;
}
