-- AUTO_INCREMENT in the ALTER is less than the next number: that stays, and the plan says so.
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n int) AUTO_INCREMENT = 1000;
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, i FROM series;
