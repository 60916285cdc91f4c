UPDATE {schema}.documents SET version = nextval(@sequence::regclass), content = @content WHERE name = @name AND version = @expected
RETURNING version
