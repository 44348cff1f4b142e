-- The ALTER gives a foreign key's column a new name and another length, which the key allows but ALTER TABLE does not.
CREATE TABLE word (w varchar(20) CHARACTER SET utf8mb4 PRIMARY KEY);
INSERT INTO word WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT CONCAT('w', i) FROM s;
CREATE TABLE t (id int PRIMARY KEY, w varchar(20) CHARACTER SET utf8mb4, CONSTRAINT two FOREIGN KEY (w) REFERENCES word (w));
INSERT INTO t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, CONCAT('w', i) FROM s;
