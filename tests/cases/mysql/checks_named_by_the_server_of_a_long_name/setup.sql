-- Checks that have the server's names, on a table whose name leaves no room for more behind it.
CREATE TABLE cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc (id int PRIMARY KEY, n int CHECK (n < 1000000), CHECK (n > 0));
INSERT INTO cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i FROM series;
