-- A trigger of another table writes into this one.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE TABLE other (id int PRIMARY KEY);
CREATE TRIGGER to_t AFTER INSERT ON other FOR EACH ROW INSERT INTO t VALUES (NEW.id, 1, 'by trigger') ON DUPLICATE KEY UPDATE n = n + 1;
