-- KEYS meta index snapshots. ARGV name, upper end. Returns the newest checkpoint, the newest snapshot below the upper end and, where there
-- is one, the incarnation of its stream.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision, _, birth = head(KEYS[2], marks, ARGV[1])
if not revision then return { checkpoint } end
local found = ask('ZREVRANGEBYLEX', KEYS[3], ARGV[2], '-', 'LIMIT', 0, 1)[1]
if found and #found > MOST_VALUE then damaged(KEYS[3]) end
return { checkpoint, found, birth }
