-- KEYS meta index newest. ARGV name. Returns the newest checkpoint, revision (0 for no stream), commit sequence, newest snapshot's
-- revision.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision, _, _, sequence = head(KEYS[2], marks, ARGV[1])
if not revision then return { checkpoint, 0, 0, 0 } end
return { checkpoint, revision, sequence, newest_snapshot(KEYS[3], ARGV[1], revision) }
