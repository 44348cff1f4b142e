-- Rows that go by ON DELETE CASCADE, of which the log says nothing.
CREATE TABLE parent (id int PRIMARY KEY, v varchar(20));
INSERT INTO parent WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, 'p' FROM series;
CREATE TABLE t (id int PRIMARY KEY, p int, n int, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, i, i FROM series;
