-- Text becomes longer and shorter, fixed and free, blob and back, without loss.
CREATE TABLE t (id int PRIMARY KEY, a varchar(20), b char(10), c text, d varchar(100), e blob, f varbinary(50), g tinytext, h binary(5));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, CONCAT('a ', i, ' '), CONCAT('b', i), REPEAT('c', i), 'short', 'blob', CONCAT('vb', i), 'tiny', 'h' FROM series;
