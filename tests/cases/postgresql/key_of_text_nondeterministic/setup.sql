-- The key is text whose collation knows no case: equal is not the same bytes.
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (id text COLLATE nocase PRIMARY KEY, n integer);
INSERT INTO t SELECT 'Key ' || i, i FROM generate_series(1, 500) AS i;
