-- Transactions that write to the parent first, and others that do so last.
CREATE TABLE parent (id int PRIMARY KEY, v int);
INSERT INTO parent WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, 0 FROM s;
CREATE TABLE t (id int PRIMARY KEY, p int NOT NULL, n int, CONSTRAINT to_parent FOREIGN KEY (p) REFERENCES parent (id));
INSERT INTO t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, i, i FROM s;
