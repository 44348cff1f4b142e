/* Values as the operator writes them: 64MiB, 500ms, 1m30s, on. Errors (SC_REFUSE) say what is wrong with the text,
 * without naming the option. */
#ifndef SC_CLI_VALUES_H
#define SC_CLI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

enum sc_result value_int(const char *text, int64_t *out, struct sc_error *err);
enum sc_result value_size(const char *text, int64_t *bytes, struct sc_error *err);
enum sc_result value_duration(const char *text, int64_t *ms, struct sc_error *err);
enum sc_result value_bool(const char *text, bool *out, struct sc_error *err);

/* The same the other way, in the shortest form that reads back as it was: "8MiB", "500ms", "2m". */
void value_size_text(struct buf *out, int64_t bytes);
void value_duration_text(struct buf *out, int64_t ms);

/* The known word nearest to what was typed, or NULL when none is near. */
const char *nearest_word(const char *typed, const char *const *words, size_t count);

#endif
