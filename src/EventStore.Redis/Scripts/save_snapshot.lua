-- Stores a snapshot; one of the same revision and schema version is replaced.
-- KEYS meta index newest snapshots. ARGV name, revision, its place "revision:version", state.
-- Returns the newest checkpoint, the stream's revision, and 1 if it is stored.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision = head(KEYS[2], marks, ARGV[1]) or 0
local wanted = tonumber(ARGV[2])
if wanted > revision then return { checkpoint, revision, 0 } end
local newest = newest_snapshot(KEYS[3], ARGV[1], revision)
write('ZREMRANGEBYLEX', KEYS[4], '[' .. ARGV[3] .. ':', '(' .. ARGV[3] .. ';')
write('ZADD', KEYS[4], 0, ARGV[3] .. ':' .. ARGV[4])
if wanted > newest then write('HSET', KEYS[3], ARGV[1], wanted) end
return { checkpoint, revision, 1 }
