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
SELECT 'sequence ' || c.relname
FROM pg_catalog.pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = @schema) AND c.relkind = 'S'
