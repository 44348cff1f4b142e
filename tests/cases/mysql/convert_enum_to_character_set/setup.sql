-- Members of ENUM and SET above ASCII go to another character set.
CREATE TABLE t (id int PRIMARY KEY, a enum('ä', 'ß') CHARACTER SET latin1, b set('ö', 'x') CHARACTER SET latin1);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, 1 + i % 2, i % 4 FROM series;
