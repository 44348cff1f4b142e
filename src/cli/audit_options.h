/* What the operator said of the audit, checked and made ready. */
#ifndef SC_CLI_AUDIT_OPTIONS_H
#define SC_CLI_AUDIT_OPTIONS_H

#include "cdc/audit/rules.h"
#include "cli/options.h"
#include "coordinator/audit.h"

struct audit_given {
    struct audit_settings settings; /* brokers NULL: no audit is wanted */
    struct audit_rules rules;
    struct arena arena;
};

/* Reads the files that are named, and the rules. SC_REFUSE: wrong usage. Call audit_given_fini() in every case. */
enum sc_result audit_options_read(const struct options *o, struct audit_given *out, struct sc_error *err);
/* The same for reading a topic back: without a table no rules are needed. */
enum sc_result audit_options_read_back(const struct options *o, struct audit_given *out, struct sc_error *err);
void audit_given_fini(struct audit_given *given);

#endif
