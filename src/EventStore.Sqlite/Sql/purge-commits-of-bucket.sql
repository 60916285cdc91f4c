DELETE FROM {name}_commits WHERE checkpoint IN (
    SELECT checkpoint FROM {name}_recent WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket)
    UNION ALL SELECT checkpoint FROM {name}_gathered WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket)
    UNION ALL SELECT checkpoint FROM {name}_revisions WHERE stream IN (SELECT stream FROM {name}_streams WHERE bucket = $bucket))
