-- A foreign key that the server named after a table with a long name: the old table's has to fit, too.
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p VALUES (1), (2), (3);
CREATE TABLE dddddddddddddddddddddddddddddddddddddddddddddddddd (id int PRIMARY KEY, n int, FOREIGN KEY (n) REFERENCES p (id));
INSERT INTO dddddddddddddddddddddddddddddddddddddddddddddddddd WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, 1 + i % 3 FROM series;
