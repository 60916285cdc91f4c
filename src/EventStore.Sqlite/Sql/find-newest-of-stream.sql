SELECT max(checkpoint + event_count - 1) FROM {name}_commits WHERE checkpoint IN (
    SELECT checkpoint FROM {name}_recent WHERE stream = ?1
    UNION ALL SELECT checkpoint FROM {name}_gathered WHERE stream = ?1
    UNION ALL SELECT checkpoint FROM {name}_revisions WHERE stream = ?1)
