-- KEYS meta log ids index. ARGV name, commit id, 1 if replicas are waited for: then what is found counts as a write, so that they are
-- waited for with all that came before. Returns the newest checkpoint and the first entry of the commit.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision, _, birth = head(KEYS[4], marks, ARGV[1])
if not revision then return { checkpoint } end
local entry = redis.call('HGET', KEYS[3], struct.pack('>I6', birth) .. ARGV[2])
if not entry then return { checkpoint } end
local found = redis.call('XRANGE', KEYS[2], entry, entry)[1]
if not found then return { err = 'ENTRYGONE ' .. entry } end
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'checkpoint', checkpoint) end
return { checkpoint, found[2][2] }
