DELETE FROM {name}_categories
WHERE bucket = (SELECT bucket FROM {name}_streams WHERE stream = $stream)
    AND category = (SELECT category FROM {name}_streams WHERE stream = $stream)
    AND checkpoint IN (
        SELECT checkpoint FROM {name}_gathered WHERE stream = $stream
        UNION ALL SELECT checkpoint FROM {name}_revisions WHERE stream = $stream)
