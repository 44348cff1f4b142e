-- Statistics on several columns and on expressions, with a target, an owner and in another schema.
CREATE SCHEMA statistics;
CREATE TABLE t (id integer PRIMARY KEY, n integer, a integer, b text);
CREATE STATISTICS all_kinds ON a, b FROM t;
CREATE STATISTICS statistics.some (ndistinct, mcv) ON n, a, lower(b) FROM t;
CREATE STATISTICS one_expression ON (a % 10) FROM t;
ALTER STATISTICS all_kinds SET STATISTICS 400;
ALTER STATISTICS one_expression OWNER TO case_owner;
INSERT INTO t SELECT i, i, i % 10, 'b' || i % 10 FROM generate_series(1, 300) AS i;
