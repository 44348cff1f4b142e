SELECT count(*) = 0 FROM fired;
INSERT INTO t VALUES (1000, 1, 'new');
SELECT string_agg(name, ' ' ORDER BY name) = 'always b_before late statement' FROM fired;
