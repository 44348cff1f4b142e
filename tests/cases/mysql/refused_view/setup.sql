-- A view is no table.
CREATE TABLE base (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO base WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 5)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE VIEW t AS SELECT * FROM base;
