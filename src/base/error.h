/* Errors are values with a class.
 *
 * A struct sc_error is filled once, where the thing went wrong, wrapped with context on the way up, and logged once, at
 * the top. The class decides what the program does next; the text tells the operator what happened, to what, what it
 * means for the data, and what to do. Texts never hold row values or passwords. */
#ifndef SC_BASE_ERROR_H
#define SC_BASE_ERROR_H

#include <stdbool.h>

enum sc_result {
    SC_OK = 0,
    SC_RETRY,   /* nothing happened; the same call may succeed later (lost connection, lock timeout, deadlock) */
    SC_REFUSE,  /* asked for something that cannot or must not be done; nothing was touched */
    SC_FAIL,    /* cannot go on; the source is untouched */
    SC_UNKNOWN, /* a commit was sent and its outcome could not be learnt */
    SC_STOP,    /* told to stop (signal, operator); not an error of ours */
    SC_FENCED,  /* another instance has taken over and goes on; what this one was about to write is not there */
};

struct sc_error {
    enum sc_result result;
    char what[1024];  /* what happened, to what; wrapped with context from the left */
    char hint[512];   /* what it means for the data and what to do; may be empty */
    char sqlstate[6]; /* from the server, else "" */
    char object[256]; /* constraint, index or table the server named, else "" */
};

/* Clears err. */
void error_init(struct sc_error *err);

/* Fills err and returns result, so that callers can write `return error_set(err, SC_FAIL, ...)`. err may be NULL.
 * Keeps what an earlier failure had set in sqlstate and object empty. */
enum sc_result error_set(struct sc_error *err, enum sc_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the advice. Keeps an advice that is already there. Returns err->result. */
enum sc_result error_hint(struct sc_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of what happened. Returns err->result. */
enum sc_result error_wrap(struct sc_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "retry", "refuse", "fail", "unknown", "stop", "fenced" */
const char *sc_result_name(enum sc_result result);

#endif
