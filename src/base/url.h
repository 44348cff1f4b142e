/* What must be known of a connection URL before an engine sees it: its scheme, and where its secrets are. */
#ifndef SC_BASE_URL_H
#define SC_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the scheme in "scheme://...", 0 when the text is not a URL (a conninfo string, a bare name). */
size_t url_scheme_len(const char *url);

/* Is there a password in it: user:password@, ?password=, or password= in a conninfo string (any key with "password" or
 * "secret")? */
bool url_has_password(const char *url);

/* A copy that may be shown: every password is ***. The caller's to mem_free(). NULL stays NULL. */
char *url_redacted(const char *url);

#endif
