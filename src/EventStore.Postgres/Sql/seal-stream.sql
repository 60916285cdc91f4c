UPDATE {schema}.streams SET sealed = true WHERE stream = @stream
