-- KEYS meta documents. ARGV name. Returns the newest checkpoint and the document.
local checkpoint = open()
if not checkpoint then return GONE end
local found = ask('HGET', KEYS[2], ARGV[1])
if found then packed(found, KEYS[2]) end
return { checkpoint, found }
