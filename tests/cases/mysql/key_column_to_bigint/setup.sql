-- The key itself becomes wider, as when its numbers run out.
CREATE TABLE t (id int unsigned AUTO_INCREMENT PRIMARY KEY, v varchar(30));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i + 4294966000, 'row' FROM series;
