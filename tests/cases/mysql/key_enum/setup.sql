-- A key of ENUM is ordered by number, not by name.
CREATE TABLE t (k enum('z0', 'y1', 'x2', 'w3', 'v4', 'u5', 't6', 's7', 'r8', 'q9', 'p10', 'o11', 'n12', 'm13', 'l14', 'k15', 'j16', 'i17', 'h18', 'g19', 'f20', 'e21', 'd22', 'c23', 'b24', 'a25', 'z26', 'y27', 'x28', 'w29', 'v30', 'u31', 't32', 's33', 'r34', 'q35', 'p36', 'o37', 'n38', 'm39', 'l40', 'k41', 'j42', 'i43', 'h44', 'g45', 'f46', 'e47', 'd48', 'c49', 'b50', 'a51', 'z52', 'y53', 'x54', 'w55', 'v56', 'u57', 't58', 's59') NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 40)
SELECT i, i, CONCAT('row ', i) FROM series;
