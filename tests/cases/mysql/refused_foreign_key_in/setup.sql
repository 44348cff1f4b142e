-- A foreign key of another table points to it: it would point to the old table.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE TABLE child (id int PRIMARY KEY, t_id int, CONSTRAINT child_of_t FOREIGN KEY (t_id) REFERENCES t (id));
INSERT INTO child VALUES (1, 1);
