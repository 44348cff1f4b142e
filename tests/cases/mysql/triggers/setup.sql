-- Triggers of each kind fire once for each write, before, during and after; names, order, definer and mode are kept.
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE TABLE audit (num int AUTO_INCREMENT PRIMARY KEY, what varchar(20), id int, who varchar(100));
DELIMITER //
CREATE TRIGGER before_in BEFORE INSERT ON t FOR EACH ROW BEGIN IF @quiet IS NULL AND NEW.n IS NULL THEN SET NEW.n = -1; END IF; END//
CREATE TRIGGER after_in AFTER INSERT ON t FOR EACH ROW BEGIN IF @quiet IS NULL THEN INSERT INTO audit (what, id) VALUES ('insert', NEW.id); END IF; END//
CREATE TRIGGER after_in_too AFTER INSERT ON t FOR EACH ROW FOLLOWS after_in SET @seen = NEW.id//
CREATE TRIGGER `odd ``name 表` AFTER UPDATE ON t FOR EACH ROW IF @quiet IS NULL THEN INSERT INTO audit (what, id, who) VALUES ('update', OLD.id, NEW.v); END IF//
CREATE TRIGGER before_del BEFORE DELETE ON t FOR EACH ROW IF @quiet IS NULL THEN INSERT INTO audit (what, id) VALUES ('delete', OLD.id); END IF//
DELIMITER ;
SET sql_mode = DEFAULT;
