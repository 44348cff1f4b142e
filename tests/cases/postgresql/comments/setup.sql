-- Comments on everything that can have one.
CREATE TABLE t (id integer CONSTRAINT pk PRIMARY KEY, n integer CONSTRAINT positive CHECK (n > 0), u integer CONSTRAINT uq UNIQUE, f integer CONSTRAINT fk REFERENCES t);
CREATE INDEX ix ON t (n);
CREATE STATISTICS st ON n, u FROM t;
COMMENT ON TABLE t IS 'the table''s comment, with \ and "';
COMMENT ON COLUMN t.id IS 'the key';
COMMENT ON COLUMN t.n IS 'changes its type';
COMMENT ON CONSTRAINT pk ON t IS 'primary key';
COMMENT ON CONSTRAINT positive ON t IS 'check';
COMMENT ON CONSTRAINT uq ON t IS 'unique';
COMMENT ON CONSTRAINT fk ON t IS 'foreign key';
COMMENT ON INDEX pk IS 'index of the key';
COMMENT ON INDEX ix IS 'index';
COMMENT ON STATISTICS st IS 'statistics';
INSERT INTO t SELECT i, i, i, NULL FROM generate_series(1, 100) AS i;
