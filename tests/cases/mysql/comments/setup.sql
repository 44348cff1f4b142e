-- Comments of the table, of columns, of indexes; odd characters in them.
CREATE TABLE t (id int PRIMARY KEY COMMENT 'the ''key'' \\ 😀', n int COMMENT 'n', v varchar(50), KEY n (n) COMMENT 'index "of" n') COMMENT 'a table''s comment; -- RENAME TO x';
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, i, 'row' FROM series;
