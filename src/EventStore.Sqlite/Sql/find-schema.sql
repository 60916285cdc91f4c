SELECT name, sql FROM sqlite_master WHERE type = 'table'
    AND name IN ('{name}_store', '{name}_streams', '{name}_commits', '{name}_revisions', '{name}_gathered', '{name}_recent',
        '{name}_categories', '{name}_tags', '{name}_snapshots', '{name}_documents')
