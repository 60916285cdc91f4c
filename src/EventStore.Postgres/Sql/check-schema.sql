-- What is found in the schema: its columns with their types, and its indexes with theirs, one sentence each. No name of the store needs
-- quotes; a server with quote_all_identifiers puts them all the same.
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || replace(format_type(a.atttypid, NULL), '"', '') ||
    CASE WHEN a.attcollation = 'pg_catalog."C"'::regcollation THEN ' by code point' ELSE '' END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND c.relkind = 'r'
UNION ALL
SELECT CASE WHEN x.indisunique THEN 'unique ' ELSE '' END || 'index ' || i.relname || ' on ' || t.relname || ' (' || (
    SELECT string_agg(replace(pg_get_indexdef(x.indexrelid, n, true), '"', ''), ', ' ORDER BY n)
    FROM generate_series(1, x.indnkeyatts::integer) n) || ')'
    || CASE WHEN x.indpred IS NULL THEN '' ELSE ' where ' || replace(pg_get_expr(x.indpred, x.indrelid), '"', '') END
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
WHERE i.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND x.indisvalid
UNION ALL
SELECT 'function ' || p.proname
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema)
UNION ALL
-- What changes or hides rows on their way. Triggers that run after a row was written are left to the administrator.
SELECT 'unexpected trigger ' || g.tgname || ' on ' || t.relname
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid
WHERE t.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND t.relkind = 'r' AND NOT g.tgisinternal
    AND g.tgenabled <> 'D' AND g.tgtype::integer & 2 = 2
UNION ALL
SELECT 'unexpected rule ' || r.rulename || ' on ' || t.relname
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class t ON t.oid = r.ev_class
WHERE t.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND t.relkind = 'r' AND r.ev_enabled <> 'D'
UNION ALL
SELECT 'unexpected row security on ' || t.relname
FROM pg_catalog.pg_class t
WHERE t.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND t.relkind = 'r'
    AND row_security_active(t.oid)
UNION ALL
SELECT 'unexpected child ' || i.inhrelid::regclass::text || ' of ' || t.relname
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class t ON t.oid = i.inhparent
WHERE t.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND t.relkind = 'r'
UNION ALL
SELECT 'sequence ' || c.relname
FROM pg_catalog.pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND c.relkind = 'S'
