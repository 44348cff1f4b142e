-- A foreign key of the table to itself.
CREATE TABLE t (id int PRIMARY KEY, p int, n int, CONSTRAINT self FOREIGN KEY (p) REFERENCES t (id));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, NULLIF(i - 1, 0), i FROM series;
