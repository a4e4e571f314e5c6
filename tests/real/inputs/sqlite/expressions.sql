-- SPDX-License-Identifier: MIT
-- Numbers, text and what came later.
CREATE TABLE t(a, b, c);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO t SELECT i, i * i % 17, char(64 + i) FROM n;
SELECT printf('%08.3f|%-6s|%x|%q', 22.0 / 7, 'ab', 255, 'it''s'), 9223372036854775807 + 1, 7 / 2, -7 % 3, 1e400, 0.1 + 0.2;
SELECT abs(-9223372036854775808);
SELECT upper('aé'), length('aé日'), instr('hello', 'l'), replace('banana', 'an', 'A'), trim('  x '), quote(x'01'), unicode('日');
SELECT 'abc' LIKE 'A_C', 'abc' GLOB 'a[b-d]*', 'x' BETWEEN 'a' AND 'z', NULL IS NULL, coalesce(NULL, 3), iif(1 > 2, 'y', 'n');
SELECT date('2024-02-29', '+1 year'), strftime('%j %W %s', '2001-09-09 01:46:40'), julianday('2000-01-01');
SELECT a, sum(b) OVER (ORDER BY a ROWS 2 PRECEDING), rank() OVER (PARTITION BY b % 2 ORDER BY b) FROM t LIMIT 12;
SELECT json_extract('{"a":[1,{"b":2.5}]}', '$.a[1].b'), json_group_array(c) FROM t WHERE a < 5;
SELECT key, value, type FROM json_each('[1,"two",null,{"x":[]}]');
SELECT json('{"broken": [1,');
CREATE VIRTUAL TABLE f USING fts5(body);
INSERT INTO f VALUES('the quick brown fox'), ('jumps over the lazy dog'), ('quick foxes jump');
SELECT highlight(f, 0, '<', '>') FROM f WHERE f MATCH 'quick OR jump*' ORDER BY rank;
CREATE VIRTUAL TABLE r USING rtree(id, x0, x1);
INSERT INTO r SELECT a, b, b + 2 FROM t;
SELECT count(*), min(id) FROM r WHERE x0 > 3 AND x1 < 12;
WITH RECURSIVE x(v) AS (VALUES(1) UNION SELECT v * 3 % 101 FROM x) SELECT count(*), max(v) FROM x;
SELECT sum(b) FILTER (WHERE a % 2), total(b), avg(b), max(a, 7) FROM t;
SELECT a FROM t EXCEPT SELECT b FROM t INTERSECT SELECT a FROM t ORDER BY 1 DESC LIMIT 5;
