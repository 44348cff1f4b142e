SELECT COUNT(*) = (SELECT COUNT(*) FROM t) FROM (
    SELECT i.id FROM (SELECT id, SUM(what = 'insert') - SUM(what = 'delete') AS balance FROM audit GROUP BY id) AS i RIGHT JOIN t ON t.id = i.id
    WHERE COALESCE(balance, 0) + (t.id <= 200) = 1) AS fitting;
SELECT COUNT(*) = 5 FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND event_object_table = 't';
INSERT INTO t (id) VALUES (100000);
SELECT COUNT(*) = 1 FROM audit WHERE id = 100000;
SELECT n = -1, @seen = 100000 FROM t WHERE id = 100000;
