DELETE FROM {name}_snapshots WHERE stream = $stream AND revision < $revision
