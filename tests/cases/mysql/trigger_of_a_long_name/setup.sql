-- A trigger whose name leaves no room for more.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE TRIGGER tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt BEFORE INSERT ON t FOR EACH ROW SET @last = NEW.id;
