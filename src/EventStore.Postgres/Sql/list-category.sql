SELECT x.checkpoint, false AS cut FROM {schema}.events x
WHERE x.category = {term} AND x.type <> '' AND x.checkpoint > $1 AND x.checkpoint <= $2
ORDER BY x.checkpoint {order} LIMIT $3
