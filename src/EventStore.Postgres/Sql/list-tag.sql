SELECT x.checkpoint, false AS cut FROM {schema}.tags x
WHERE x.term = {term} AND x.checkpoint > $1 AND x.checkpoint <= $2
ORDER BY x.checkpoint {order} LIMIT $3
