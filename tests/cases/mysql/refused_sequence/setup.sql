-- A sequence of MariaDB is no table to migrate.
CREATE SEQUENCE t;
