-- Makes pgoutput_15.hex: psql -X -qAt -f pgoutput.sql DATABASE > pgoutput_15.hex, on a server with wal_level = logical.
-- One line a message: what it is for (a comment), or its bytes. The test finds the tables by their names.
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (id bigint PRIMARY KEY, name text, note text, feeling mood);
ALTER TABLE t ALTER note SET STORAGE EXTERNAL;
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE whole (a int, b text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE indexed (a int, b text NOT NULL, c text);
CREATE UNIQUE INDEX indexed_b ON indexed (b);
ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_b;
CREATE PUBLICATION recorded FOR TABLE t, other, whole, indexed;
SELECT '# slot at ' || lsn FROM pg_create_logical_replication_slot('recorded', 'pgoutput');
-- insert
INSERT INTO t VALUES (1, 'one', NULL, 'ok'), (2, '', repeat('x', 9000), 'sad');
-- update without the key, the large value unchanged
UPDATE t SET name = 'two' WHERE id = 2;
-- update of the key, the large value unchanged
UPDATE t SET id = 20 WHERE id = 2;
-- update of the large value
UPDATE t SET note = repeat('y', 9000) WHERE id = 20;
DELETE FROM t WHERE id = 1;
-- messages: outside of transactions, inside one, with another prefix
SELECT '# message at ' || pg_logical_emit_message(false, 'seachange test', 'outside');
BEGIN;
INSERT INTO other VALUES (1);
SELECT '# message at ' || pg_logical_emit_message(true, 'seachange test', 'inside');
SELECT '# message at ' || pg_logical_emit_message(true, 'somebody', 'else');
INSERT INTO t VALUES (3, 'three', NULL, NULL);
COMMIT;
-- identity FULL and by index
INSERT INTO whole VALUES (1, NULL), (2, 'b');
UPDATE whole SET b = 'c' WHERE a = 1;
DELETE FROM whole WHERE a = 2;
INSERT INTO indexed VALUES (1, 'b', 'c');
UPDATE indexed SET b = 'bb' WHERE a = 1;
DELETE FROM indexed;
-- the table changes its shape
ALTER TABLE t ADD COLUMN extra int DEFAULT 7;
INSERT INTO t VALUES (4, 'four', NULL, 'ok');
TRUNCATE t, other;
SELECT encode(data, 'hex') FROM pg_logical_slot_get_binary_changes('recorded', NULL, NULL, 'proto_version', '1', 'publication_names', 'recorded', 'messages', 'true');
SELECT '# dropped' FROM pg_drop_replication_slot('recorded');
