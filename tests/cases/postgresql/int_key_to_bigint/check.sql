SELECT pg_typeof(id) = 'bigint'::regtype FROM t LIMIT 1;
INSERT INTO t VALUES (9223372036854775807, 'beyond integer') RETURNING id > 2147483647;
