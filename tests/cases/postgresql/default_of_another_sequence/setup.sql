-- The default draws from a sequence that no table owns, and another table draws from it as well.
CREATE SEQUENCE numbers;
CREATE TABLE t (id bigint PRIMARY KEY DEFAULT nextval('numbers'), v text, made timestamptz DEFAULT now());
CREATE TABLE other (id bigint DEFAULT nextval('numbers'));
INSERT INTO t (v, made) SELECT 'row ' || i, '2024-01-01 00:00+00' FROM generate_series(1, 300) AS i;
