-- Plain, composite, descending, prefix and commented indexes, of all sorts.
CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(200), c text, d int, KEY a (a), KEY ab (a, b), KEY b_prefix (b(10)), KEY c_prefix (c(20), a), KEY d_desc (d DESC) COMMENT 'descending', UNIQUE KEY bu (b(150), d), KEY with_block (a, d) KEY_BLOCK_SIZE=4 USING BTREE);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i % 7, CONCAT('b', i), REPEAT('c', i % 50), i FROM series;
