-- Indexes on expressions, unique ones too.
CREATE TABLE t (id int PRIMARY KEY, a int, v varchar(50), j json, KEY f ((a * 2)), KEY g ((LOWER(v)), a DESC), UNIQUE KEY u ((a + 1)), KEY m ((CAST(j->'$.tags' AS UNSIGNED ARRAY))));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, CONCAT('V', i), JSON_OBJECT('tags', JSON_ARRAY(i, i + 1)) FROM series;
