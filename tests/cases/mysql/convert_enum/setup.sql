-- ENUM and SET get members at the end, in front and between, become text, and come from it.
CREATE TABLE t (id int PRIMARY KEY, a enum('x', 'y', 'z'), b enum('p', 'q'), c set('m', 'n'), d varchar(10), e enum('1', '2', '3'), f set('r', 's', 't'));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, 1 + i % 3, 1 + i % 2, i % 4, ELT(1 + i % 3, 'eins', 'zwei', 'DREI'), 1 + i % 3, i % 8 FROM series;
