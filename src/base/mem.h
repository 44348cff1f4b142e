/* Memory: allocation that cannot fail half-way, growing buffers, and arenas.
 *
 * Running out of memory ends the process: everything that matters is in the database, written with the batch it
 * describes, so a restart goes on exactly where this process was. Trying to limp on without memory is what would lose
 * rows. */
#ifndef SC_BASE_MEM_H
#define SC_BASE_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);               /* zeroed; never NULL; aborts with a message when memory is out */
void *mem_array(size_t count, size_t size); /* as mem_alloc, checked against overflow */
void *mem_resize(void *old, size_t size);   /* as realloc */
char *mem_strdup(const char *s);            /* NULL stays NULL */
char *mem_strndup(const char *s, size_t len);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p); /* NULL is fine */

/* A growing byte buffer, always followed by a NUL that is not counted. Zero-initialised is empty. */
struct buf {
    char *data;
    size_t len, cap;
};

void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* empty, keeps the memory */
void buf_reserve(struct buf *b, size_t more);
void buf_bytes(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b,
             uint16_t v); /* big-endian, as both replication protocols' peers and `struct reader` have it */
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
const char *buf_cstr(struct buf *b); /* never NULL */
char *buf_take(struct buf *b);       /* the caller's from now on; the buffer is empty afterwards */

/* An arena: many small allocations, freed at once. Zero-initialised is empty. */
struct arena_block;
struct arena {
    struct arena_block *head;
    size_t bytes; /* handed out since the last reset */
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_copy(struct arena *a, const void *data, size_t len); /* with a NUL behind */
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a); /* everything handed out is gone; keeps one block */
void arena_fini(struct arena *a);

#endif
