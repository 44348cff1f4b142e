-- Views on views, one of them in another schema and one recursive, with a trigger.
CREATE SCHEMA reports;
CREATE TABLE t (id integer PRIMARY KEY, n integer, parent integer, v text);
CREATE VIEW a AS SELECT id, v FROM t;
CREATE VIEW reports.b AS SELECT a.id, a.v || '!' AS v, count(*) OVER () AS total FROM a;
CREATE VIEW c AS SELECT b.* FROM reports.b JOIN t USING (id);
CREATE RECURSIVE VIEW tree (id, depth) AS
    SELECT id, 1 FROM t WHERE parent IS NULL UNION ALL SELECT t.id, depth + 1 FROM t JOIN tree ON t.parent = tree.id;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET v = new.v WHERE id = old.id; RETURN new; END $$;
CREATE TRIGGER b_update INSTEAD OF UPDATE ON reports.b FOR EACH ROW EXECUTE FUNCTION instead();
INSERT INTO t SELECT i, i, NULLIF(i / 2, 0), 'row ' || i FROM generate_series(1, 300) AS i;
