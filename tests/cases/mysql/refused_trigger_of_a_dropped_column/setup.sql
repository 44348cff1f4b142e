-- A trigger reads a column that the ALTER drops: refused, or the trigger would be broken.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE TRIGGER uses_v BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 'x';
