-- The empty value that is no member, beside a member that is empty.
SET sql_mode = '';
CREATE TABLE t (id int PRIMARY KEY, n int, e enum('a', ''));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i, ELT(1 + i % 3, 'a', '', 'nothing') FROM series;
