-- Eight hundred columns.
SELECT format('CREATE TABLE t (id integer PRIMARY KEY, %s)', string_agg(format('c%s integer', i), ', ' ORDER BY i)) FROM generate_series(1, 800) AS i \gexec
SELECT format('INSERT INTO t SELECT i, %s FROM generate_series(1, 50) AS i', string_agg('i', ', ')) FROM generate_series(1, 800) \gexec
