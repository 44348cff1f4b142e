-- Writers exchange unique values between rows, in one statement and through a third value.
CREATE TABLE t (id int PRIMARY KEY, u int, w varchar(20), n int, UNIQUE KEY u (u), UNIQUE KEY w (w));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('w', i), 0 FROM series;
