-- Views, routines and events that read the table go on as before.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE VIEW all_t AS SELECT * FROM t;
CREATE VIEW few AS SELECT id, n FROM t WHERE n > 5 WITH CHECK OPTION;
CREATE FUNCTION how_many() RETURNS int READS SQL DATA RETURN (SELECT COUNT(*) FROM t);
CREATE PROCEDURE put_in(IN k int) INSERT INTO t VALUES (k, 1, 'by procedure');
CREATE EVENT never ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO DELETE FROM t;
