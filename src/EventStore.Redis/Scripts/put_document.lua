-- Writes a document at its expected version. KEYS meta documents titles. ARGV name, expected version, content.
-- Returns the newest checkpoint and the new version; 0 where it was at another.
local checkpoint = open()
if not checkpoint then return GONE end
local found, known = document(KEYS[2], ARGV[1])
if known ~= tonumber(ARGV[2]) then return { checkpoint, 0 } end
if number(ask('HGET', KEYS[1], 'document'), KEYS[1]) >= MAX_NUMBER then damaged(KEYS[1]) end
ask('ZCARD', KEYS[3])
local version = write('HINCRBY', KEYS[1], 'document', 1)
write('HSET', KEYS[2], ARGV[1], struct.pack('>I6', version) .. ARGV[3])
if not found then write('ZADD', KEYS[3], 0, ARGV[1]) end
return { checkpoint, version }
