-- A primary key that the server made, invisible (my_row_id).
SET sql_generate_invisible_primary_key = ON;
CREATE TABLE t (n int, v varchar(20));
INSERT INTO t (n, v) WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, 'row' FROM series;
