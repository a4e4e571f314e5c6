-- SPDX-License-Identifier: MIT
-- What relational databases have had for long.
CREATE TABLE t(a INTEGER PRIMARY KEY, b REAL, c TEXT COLLATE NOCASE, d BLOB);
CREATE UNIQUE INDEX by_c ON t(c, b DESC);
INSERT INTO t VALUES(1, 1.5, 'one', x'00ff'), (2, -0.25, 'Two', NULL);
INSERT INTO t(b, c) SELECT a * 1e10 / 7, c || '+' FROM t;
INSERT INTO t VALUES(1, 0, 'again', '');
UPDATE t SET d = zeroblob(3000) WHERE a > 2;
SELECT *, typeof(b), hex(d) FROM t ORDER BY c DESC LIMIT 3;
CREATE TABLE u(x REFERENCES t(a) ON DELETE CASCADE, y DEFAULT 'none' CHECK (y <> 'bad'));
PRAGMA foreign_keys = 1;
INSERT INTO u(x) VALUES(1), (2), (2);
INSERT INTO u VALUES(3, 'bad');
INSERT INTO u(x) VALUES(99);
CREATE TRIGGER gone AFTER DELETE ON u BEGIN INSERT INTO t(c) VALUES('trigger ' || old.x); END;
DELETE FROM t WHERE a = 2;
SELECT t.a, group_concat(u.y) FROM t LEFT JOIN u ON u.x = t.a GROUP BY t.a;
CREATE VIEW v AS SELECT c, round(avg(b), 3) AS mean FROM t GROUP BY substr(c, 1, 1) HAVING count(*) > 0;
SELECT * FROM v ORDER BY mean;
SAVEPOINT here;
ALTER TABLE t ADD COLUMN e AS (b * 2);
DROP TABLE u;
ROLLBACK TO here;
EXPLAIN QUERY PLAN SELECT * FROM t JOIN u ON x = a WHERE c > 'o';
SELECT count(*) FROM sqlite_schema;
SELECT * FROM nowhere;
