-- Row level security, forced on the owner too, with policies for some commands and roles.
CREATE TABLE t (id integer PRIMARY KEY, n integer, who text);
CREATE POLICY own ON t USING (who = current_user) WITH CHECK (who = current_user);
CREATE POLICY read ON t AS RESTRICTIVE FOR SELECT TO case_reader, "Case ""Role"" with, odd name" USING (id < 100 OR EXISTS (SELECT FROM t AS o WHERE o.n = -t.id));
CREATE POLICY add ON t FOR INSERT TO case_writer WITH CHECK (who <> '');
COMMENT ON POLICY own ON t IS 'a comment on a policy';
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON t TO case_reader, case_writer;
INSERT INTO t SELECT i, i, 'case_reader' FROM generate_series(1, 300) AS i;
DROP POLICY read ON t;
CREATE POLICY read ON t AS RESTRICTIVE FOR SELECT TO case_reader, "Case ""Role"" with, odd name" USING (id < 100);
