/* Numbers as people read them. Each appends to `out`. */
#ifndef SC_BASE_HUMAN_H
#define SC_BASE_HUMAN_H

#include <stdint.h>

struct buf;

void human_count(struct buf *out, uint64_t n);     /* 950, 1.23k, 45.6M */
void human_exact(struct buf *out, uint64_t n);     /* 12,345,678 */
void human_bytes(struct buf *out, uint64_t bytes); /* 512 B, 64.0 MiB */
void human_ms(struct buf *out, int64_t ms);        /* 85 ms, 4.2 s, 1m 20s, 3h 05m, 2d 03h */

#endif
