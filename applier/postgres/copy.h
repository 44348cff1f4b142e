/* One chunk of the copy, inside the server. */
#ifndef SC_APPLIER_POSTGRES_COPY_H
#define SC_APPLIER_POSTGRES_COPY_H

#include "applier/postgres/target.h"

enum sc_result pg_chunk_bound(struct session *s, const struct key *after, uint64_t rows, struct key **upto,
                              struct sc_error *err);
enum sc_result pg_chunk_rows_most(struct session *s, int workers, uint64_t *rows, struct sc_error *err);
enum sc_result pg_chunk_copy(struct session *s, const struct chunk *chunk, uint64_t *rows, struct sc_error *err);
enum sc_result pg_chunks_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err);

#endif
