INSERT INTO {schema}.documents (name, version, content) VALUES (@name, nextval(@sequence::regclass), @content)
ON CONFLICT (name) DO NOTHING RETURNING version
