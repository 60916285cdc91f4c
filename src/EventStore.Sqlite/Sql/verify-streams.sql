SELECT stream, bucket || '/' || category || '/' || id AS name
FROM {name}_streams AS named
WHERE NOT EXISTS (SELECT 1 FROM {name}_commits AS stored WHERE stored.stream = named.stream)
