/* What all models share.
 *
 * MUST(condition, name): what must hold; pan prints the name with the assertion. The names are variables that are
 * always 0, because pan prints an assertion as it is written behind the preprocessor.
 * fp_...: labels and comments name the failpoint in the C code at the same step (README.md). */
#define MUST(condition, name) assert((condition) || name)

