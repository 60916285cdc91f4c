-- The section begins here and ends with the transaction. What comes after is read in statements of its own, which see all that was
-- committed before.
SELECT version, last_checkpoint, last_stamp, last_stream, removed, holder FROM {schema}.store FOR UPDATE
