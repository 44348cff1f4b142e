INSERT INTO t VALUES (9999, 1, 'x');
SELECT @last = 9999;
SELECT COUNT(*) = 1 FROM information_schema.triggers WHERE trigger_schema = DATABASE();
