-- Foreign keys with and without a name of their own, while children come and go and parents are made and deleted.
CREATE TABLE parent (id int PRIMARY KEY, v varchar(20));
CREATE TABLE other (a int, b varchar(10) CHARACTER SET ascii, PRIMARY KEY (a, b));
INSERT INTO parent WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, 'p' FROM s;
INSERT INTO other WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, 'x' FROM s;
CREATE TABLE t (id int PRIMARY KEY, p int NOT NULL, a int, b varchar(10) CHARACTER SET ascii, n int,
    CONSTRAINT to_parent FOREIGN KEY (p) REFERENCES parent (id),
    FOREIGN KEY (a, b) REFERENCES other (a, b) ON DELETE RESTRICT ON UPDATE NO ACTION);
INSERT INTO t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, i, i, 'x', i FROM s;
