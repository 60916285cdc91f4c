INSERT INTO {name}_documents (name, version, crc, content) VALUES ($name, $version, $crc, $content)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, crc = excluded.crc, content = excluded.content
