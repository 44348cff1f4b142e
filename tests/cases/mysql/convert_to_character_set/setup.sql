-- The whole table goes from latin1 to utf8mb4, as CONVERT TO CHARACTER SET does it: text columns grow where they must.
CREATE TABLE t (id int PRIMARY KEY, a varchar(20), b char(10), c text, d tinytext, e enum('a', 's'), f set('o', 'x'), g varchar(20) CHARACTER SET ascii, h varbinary(20)) CHARACTER SET latin1;
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, CONCAT('ä', i), 'ÿ', REPEAT('ü', 200), 'ß', 1 + i % 2, i % 4, 'plain', X'E4F6FC' FROM series;
