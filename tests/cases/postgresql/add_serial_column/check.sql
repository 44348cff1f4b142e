SELECT count(DISTINCT n) = 300 FROM t;
INSERT INTO t VALUES (1000, 'x');
SELECT count(DISTINCT n) = 301, pg_get_serial_sequence('t', 'n') = 'public.t_n_seq' FROM t;
