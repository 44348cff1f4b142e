-- The ALTER only drops a foreign key: nothing is altered on the new table.
CREATE TABLE parent (id int PRIMARY KEY, v varchar(20));
INSERT INTO parent WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, 'p' FROM series;
CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT one FOREIGN KEY (p) REFERENCES parent (id));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, 1 FROM series;
