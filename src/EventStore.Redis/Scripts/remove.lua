-- Removes a stream, a bucket or the store from every read at once, by a mark; what is marked is swept step by step afterwards.
-- KEYS meta names newest, and for one stream its index and snapshots. ARGV what is removed: N, bucket \0 or nothing.
-- Returns the newest checkpoint and 1 if there was something to remove.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local up_to = checkpoint
if KEYS[4] then
  local revision, last = head(KEYS[4], marks, ARGV[1])
  if not revision then return { checkpoint, 0 } end
  up_to = last
end
ask('HLEN', base() .. 'removed')
if KEYS[4] then
  require_burial(ARGV[1])
  bury(ARGV[1], up_to)
end
write('HSET', base() .. 'removed', ARGV[1], struct.pack('>I6', up_to))
write('HSET', KEYS[1], 'removed', ask('HLEN', base() .. 'removed'))
return { checkpoint, 1 }
