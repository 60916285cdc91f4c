SELECT stream
FROM {name}_streams AS named
WHERE NOT EXISTS (SELECT 1 FROM {name}_revisions AS entry WHERE entry.stream = named.stream)
    AND NOT EXISTS (SELECT 1 FROM {name}_gathered AS entry WHERE entry.stream = named.stream)
    AND NOT EXISTS (SELECT 1 FROM {name}_recent AS entry WHERE entry.stream = named.stream)
