-- Stores a snapshot; one of the same revision and schema version is replaced.
-- KEYS meta index newest snapshots. ARGV name, revision, incarnation (0 for any), its place "revision:version", state.
-- Returns the newest checkpoint, the stream's state, and 1 if it is stored.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision, _, birth = head(KEYS[2], marks, ARGV[1])
if not revision then return { checkpoint, NO_STREAM, 0 } end
local first, is_sealed = state_of(ARGV[1])
local state, wanted, incarnation = pack_state(birth, revision, first, is_sealed), tonumber(ARGV[2]), tonumber(ARGV[3])
if wanted > revision or wanted < first - 1 or (incarnation ~= 0 and incarnation ~= birth) then return { checkpoint, state, 0 } end
local newest = newest_snapshot(KEYS[3], ARGV[1], revision)
write('ZREMRANGEBYLEX', KEYS[4], '[' .. ARGV[4] .. ':', '(' .. ARGV[4] .. ';')
write('ZADD', KEYS[4], 0, ARGV[4] .. ':' .. ARGV[5])
if wanted > newest then write('HSET', KEYS[3], ARGV[1], wanted) end
return { checkpoint, state, 1 }
