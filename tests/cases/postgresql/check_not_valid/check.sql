SELECT count(*) = 300 FROM t;
