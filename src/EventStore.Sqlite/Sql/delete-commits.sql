DELETE FROM {name}_commits WHERE checkpoint IN (
    SELECT checkpoint FROM {name}_recent WHERE stream = $stream
    UNION ALL SELECT checkpoint FROM {name}_gathered WHERE stream = $stream
    UNION ALL SELECT checkpoint FROM {name}_revisions WHERE stream = $stream)
