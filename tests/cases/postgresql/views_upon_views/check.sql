SELECT count(*) = 300 FROM c;
SELECT count(*) = 300 FROM tree;
DELETE FROM t WHERE id = 300;
UPDATE reports.b SET v = 'by trigger' WHERE id = 1;
SELECT v = 'by trigger' FROM t WHERE id = 1;
SELECT count(*) = 299 FROM t;
