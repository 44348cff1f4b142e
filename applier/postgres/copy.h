/* One chunk of the copy, inside the server. */
#ifndef SC_APPLIER_POSTGRES_COPY_H
#define SC_APPLIER_POSTGRES_COPY_H

#include "applier/postgres/target.h"

enum sc_result pg_chunk_bound(struct session *s, const struct key *after, uint64_t rows, struct key **upto,
                              struct sc_error *err);
enum sc_result pg_chunk_rows_most(struct session *s, int workers, uint64_t *rows, struct sc_error *err);
enum sc_result pg_chunk_copy(struct session *s, const struct chunk *chunk, uint64_t *rows, struct sc_error *err);
enum sc_result pg_chunks_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err);

/* Appends `(k1, k2) OP ($first::t1, $..::t2)`. */
void pg_add_bound(struct buf *b, const struct target *t, const char *operator, int first);

/* Records of chunks in seachange.<table>. again: it may be recorded already. */
enum sc_result pg_chunk_record(struct session *s, const char *table, const struct chunk *chunk, uint64_t rows,
                               bool again, struct sc_error *err);
enum sc_result pg_chunks_recorded(struct session *s, const char *table, struct chunk **chunks, size_t *count,
                                  struct sc_error *err);

/* compare.c */
struct comparison;
void comparison_free(struct comparison *comparison); /* NULL is fine */
enum sc_result pg_compare_ordered(struct session *s, bool *ordered, struct sc_error *err);
enum sc_result pg_compare_chunk(struct session *s, const struct chunk *chunk, struct compared *out,
                                struct sc_error *err);
enum sc_result pg_compare_rows(struct session *s, const struct chunk *chunk, size_t most, struct key ***keys,
                               size_t *count, struct sc_error *err);
enum sc_result pg_compare_keys(struct session *s, struct key *const *keys, size_t count, struct row_pair *pairs,
                               struct sc_error *err);
enum sc_result pg_verified_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err);
enum sc_result pg_verified_store(struct session *s, const struct chunk *chunk, uint64_t rows, struct sc_error *err);

#endif
