DELETE FROM t WHERE id = 1;
SELECT count(*) = 0 FROM t;
