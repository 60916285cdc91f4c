SELECT name, version, crc, content
FROM {name}_documents
ORDER BY name
