-- A column with ON UPDATE CURRENT_TIMESTAMP has the writer's time, not that of the copy or of replaying.
CREATE TABLE t (id int PRIMARY KEY, n int, at timestamp(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, '2020-01-01 00:00:00.123456' FROM series;
