-- KEYS meta documents. ARGV name. Returns the newest checkpoint and the document.
local checkpoint = open()
if not checkpoint then return GONE end
return { checkpoint, (document(KEYS[2], ARGV[1])) }
