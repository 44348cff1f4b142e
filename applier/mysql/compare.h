/* Comparing source and ghost; see applier/target.h for what each promises. */
#ifndef SC_APPLIER_MYSQL_COMPARE_H
#define SC_APPLIER_MYSQL_COMPARE_H

#include "applier/mysql/target.h"

enum sc_result my_compare_ordered(struct session *s, bool *ordered, struct sc_error *err);
enum sc_result my_compare_chunk(struct session *s, const struct chunk *chunk, struct compared *out,
                                struct sc_error *err);
enum sc_result my_compare_rows(struct session *s, const struct chunk *chunk, size_t most, struct key ***keys,
                               size_t *count, struct sc_error *err);
enum sc_result my_compare_keys(struct session *s, struct key *const *keys, size_t count, struct row_pair *pairs,
                               struct sc_error *err);
enum sc_result my_verified_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err);
enum sc_result my_verified_store(struct session *s, const struct chunk *chunk, uint64_t rows, struct sc_error *err);

/* Before the cutover's lock: what my_compare_keys() needs under it, on the session and on the connection that will hold
 * the source (NULL: the session's own). */
enum sc_result my_compare_prepare(struct session *s, struct my_conn *other, struct sc_error *err);
void my_comparison_free(struct comparison *comparison); /* NULL is fine */

#endif
