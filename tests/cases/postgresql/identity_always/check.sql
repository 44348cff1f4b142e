INSERT INTO t (v) VALUES ('next') RETURNING id > 100 + 299 * 5;
SELECT count(*) = 301, count(DISTINCT id) = 301 FROM t;
