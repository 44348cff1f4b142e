-- Refused: a table of the server itself.
SELECT 1;
