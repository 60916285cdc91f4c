-- KEYS meta index newest. ARGV name. Returns the newest checkpoint, the stream's state, commit sequence, newest snapshot's revision.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision, _, birth, sequence = head(KEYS[2], marks, ARGV[1])
if not revision then return { checkpoint, NO_STREAM, 0, 0 } end
local first, is_sealed = state_of(ARGV[1])
return { checkpoint, pack_state(birth, revision, first, is_sealed), sequence, newest_snapshot(KEYS[3], ARGV[1], revision) }
