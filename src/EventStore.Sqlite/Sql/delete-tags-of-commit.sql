-- Reads all entries of the bucket: for a commit whose tags can no longer be read.
DELETE FROM {name}_tags WHERE bucket = ?1 AND checkpoint = ?2
