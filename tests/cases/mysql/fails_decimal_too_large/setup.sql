-- A decimal that has too many digits for the new type.
CREATE TABLE t (id int PRIMARY KEY, d decimal(20,2));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i * 1000 FROM series;
