-- The ALTER adds a foreign key that three rows do not fit.
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i FROM s WHERE i > 3;
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, i FROM s;
