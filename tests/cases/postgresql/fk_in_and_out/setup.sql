-- The key becomes bigint while other tables refer to it and it refers to others; all the foreign keys' options stay.
CREATE TABLE customer (id bigint PRIMARY KEY, region text NOT NULL, UNIQUE (region, id));
CREATE TABLE t (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customer ON DELETE CASCADE, region text DEFAULT 'eu',
    CONSTRAINT t_customer_region FOREIGN KEY (region, customer_id) REFERENCES customer (region, id) MATCH FULL ON UPDATE CASCADE
        DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE line (id integer PRIMARY KEY, order_id integer REFERENCES t ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE note (order_id integer NOT NULL CONSTRAINT note_order REFERENCES t DEFERRABLE, text text);
CREATE TABLE loose (order_id integer);
INSERT INTO customer SELECT i, 'eu' FROM generate_series(1, 50) AS i;
INSERT INTO t SELECT i, 1 + i % 50 FROM generate_series(1, 500) AS i;
INSERT INTO line SELECT i, 1 + i % 500 FROM generate_series(1, 900) AS i;
INSERT INTO note SELECT i, 'n' FROM generate_series(1, 5) AS i;
INSERT INTO loose VALUES (99999);
ALTER TABLE loose ADD CONSTRAINT loose_order FOREIGN KEY (order_id) REFERENCES t NOT VALID;
COMMENT ON CONSTRAINT note_order ON note IS 'a comment on a foreign key of another table';
