-- Text becomes JSON and JSON text.
CREATE TABLE t (id int PRIMARY KEY, a text, b json, c json);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, CONCAT('{"a": ', i, '}'), JSON_ARRAY(i, 1.5, 'x'), JSON_OBJECT('k', i) FROM series;
