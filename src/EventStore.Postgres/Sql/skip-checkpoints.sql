UPDATE {schema}.store SET version = @version, last_checkpoint = @upTo WHERE last_checkpoint < @upTo
