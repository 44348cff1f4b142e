SELECT count(*) = 500, count(DISTINCT token) = 500, bool_and(seen IS NOT NULL) FROM t;
