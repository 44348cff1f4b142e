/* First inputs for fuzz_pg_alter: the ALTERs of the cases, and some more. */
#include "fuzz/cases.h"
#include "fuzz/corpus.h"

static void take_alter(const char *text)
{
    struct buf b = {0};
    buf_str(&b, text);
    corpus_add(&b);
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    cases_each_alter(CASES_DIR "/postgresql", take_alter);
    static const char *const more[] = {
        "ALTER a TYPE int USING a::int, ALTER COLUMN \"B,\" SET DATA TYPE text USING (f(\"B,\", $$,$$)) -- x",
        "ALTER a TYPE int[] USING ARRAY[a, 1][1:2], ADD EXCLUDE USING gist (c WITH &&), DROP COLUMN b;",
        "RENAME COLUMN a TO b",
        "SET SCHEMA x",
        "RENAME TO t2",
        "ADD a int; DROP TABLE t",
        "ALTER a TYPE int USING",
        "ALTER a TYPE x USING CASE WHEN a IS NULL THEN 'a,b' ELSE E'\\'' END /* , */, VALIDATE CONSTRAINT c",
        "ADD COLUMN x text COLLATE \"C\" GENERATED ALWAYS AS (lower(a)) STORED, ALTER b DROP DEFAULT",
    };
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        take_alter(more[i]);
    return corpus_end();
}
