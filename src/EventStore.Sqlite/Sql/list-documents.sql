SELECT name, version, crc, content
FROM {name}_documents
WHERE name >= max($prefix, $after) AND name <> $after
ORDER BY name
LIMIT $limit
