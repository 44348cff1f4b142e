/* Records of the spool. There is one encoding of each change: what is taken for one is written the same again. */
#include "cdc/change.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = fuzz_exact(data, size);
    struct arena arena = {0};
    struct change change;
    struct sc_error err;
    struct buf again = {0};
    enum sc_result result = change_decode(&arena, exact, size, &change, &err);
    HOLDS(result == SC_OK || (result == SC_FAIL && err.what[0]));
    if (result == SC_OK) {
        change_encode(&again, &change);
        HOLDS(again.len == size && memcmp(again.data, exact, size) == 0);
        HOLDS(change_kind_name(change.kind)[0] != '?');
        change_bytes(&change);
    }
    buf_fini(&again);
    arena_fini(&arena);
    free(exact);
    return 0;
}
