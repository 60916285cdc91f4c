SELECT name, version, crc, content FROM {name}_documents WHERE name = $name
