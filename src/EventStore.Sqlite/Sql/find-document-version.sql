SELECT version FROM {name}_documents WHERE name = $name
