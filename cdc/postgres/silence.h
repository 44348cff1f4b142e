/* How long a silent server is waited for.
 *
 * A server that decodes a long transaction of other tables says nothing, and begins it anew for a new connection: so
 * each silence in vain lets the next one last twice as long. As soon as the server gets on in its log, the first limit
 * is right again. No clock of its own: times are monotonic, in microseconds. */
#ifndef SC_CDC_POSTGRES_SILENCE_H
#define SC_CDC_POSTGRES_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

struct silence {
    int64_t limit_ms;
    int64_t heard_us;
    uint64_t stuck_at; /* the server's place in its log when it fell silent last */
};

void silence_init(struct silence *s, int64_t now_us);
/* Something came (or a new connection was made). */
void silence_heard(struct silence *s, int64_t now_us);
/* The server has got to this place in its log. */
void silence_moved(struct silence *s, uint64_t lsn);
/* Has it been silent for too long? Then the next silence may last longer. Call with the place it has got to. */
bool silence_over(struct silence *s, uint64_t lsn, int64_t now_us);

#endif
