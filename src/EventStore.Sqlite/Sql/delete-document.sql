DELETE FROM {name}_documents WHERE name = $name AND version = $version
