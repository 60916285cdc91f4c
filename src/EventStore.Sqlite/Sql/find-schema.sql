SELECT name, sql, type FROM sqlite_master WHERE sql IS NOT NULL
    AND tbl_name IN ('{name}_store', '{name}_streams', '{name}_commits', '{name}_revisions', '{name}_gathered', '{name}_recent',
        '{name}_categories', '{name}_tags', '{name}_snapshots', '{name}_documents')
