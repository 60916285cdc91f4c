-- The number under which a category or a tag of a bucket is indexed: the first 8 bytes of a SHA-256. Two may share one, so what is found by
-- it is compared with the names.
CREATE FUNCTION {schema}.term(bucket text, name text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('x' || left(encode(sha256(convert_to(bucket, 'UTF8') || '\x00'::bytea || convert_to(name, 'UTF8')), 'hex'), 16))
        ::bit(64)::bigint
$$
