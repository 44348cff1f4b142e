#include "cli/common.h"
#include "cli/exit.h"
#include "cli/show.h"

int cmd_list(const struct options *o)
{
    const struct target_ops *ops;
    struct target *target;
    struct sc_error err;
    enum sc_result result = cli_open(o, &ops, &target, &err);
    if (!ops)
        return EXIT_USAGE;
    struct listed *list = NULL;
    struct standing_listed *streams = NULL;
    struct arena arena = {0};
    size_t count = 0, stream_count = 0;
    if (result == SC_OK)
        result = ops->list(target, &list, &count, &err);
    if (result == SC_OK)
        result = cli_engine(o)->standing->list(o->source, &arena, &streams, &stream_count, &err);
    int status = EXIT_DONE;
    if (result == SC_OK) {
        struct buf text = {0};
        if (cli_json(o)) {
            list_json(&text, list, count, streams, stream_count);
        } else {
            list_text(&text, list, count);
            streams_text(&text, streams, stream_count);
        }
        status = cli_print(&text, EXIT_DONE);
    } else {
        status = cli_failed(&err);
    }
    listed_free(list, count);
    arena_fini(&arena);
    if (target)
        ops->close(target);
    return status;
}
