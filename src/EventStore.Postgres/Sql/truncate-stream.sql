UPDATE {schema}.streams SET first_revision = @first WHERE stream = @stream
