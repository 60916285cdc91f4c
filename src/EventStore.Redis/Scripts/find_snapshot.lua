-- KEYS meta index snapshots. ARGV name, upper end. Returns the newest checkpoint and the newest snapshot below the upper end.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
if not head(KEYS[2], marks, ARGV[1]) then return { checkpoint } end
return { checkpoint, ask('ZREVRANGEBYLEX', KEYS[3], ARGV[2], '-', 'LIMIT', 0, 1)[1] }
