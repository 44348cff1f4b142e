-- The ALTER adds foreign keys: with an index that is there, with one that comes with the key, to a new column, unnamed.
CREATE TABLE parent (id int PRIMARY KEY, v varchar(20));
INSERT INTO parent WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, 'p' FROM s;
CREATE TABLE t (id int PRIMARY KEY, p int, q int, r int, KEY on_p (p), CONSTRAINT t_ibfk_4 FOREIGN KEY (r) REFERENCES parent (id));
INSERT INTO t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, i, NULLIF(i, 7), 1 FROM s;
