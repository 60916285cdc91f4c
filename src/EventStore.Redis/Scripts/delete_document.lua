-- Deletes a document at its expected version. KEYS meta documents titles. ARGV name, expected version. Returns the newest checkpoint and 1
-- if it did.
local checkpoint = open()
if not checkpoint then return GONE end
local found, known = document(KEYS[2], ARGV[1])
if not found or known ~= tonumber(ARGV[2]) then return { checkpoint, 0 } end
write('ZREM', KEYS[3], ARGV[1])
write('HDEL', KEYS[2], ARGV[1])
return { checkpoint, 1 }
