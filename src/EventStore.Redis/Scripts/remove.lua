-- Removes a stream, a bucket or the store from every read at once, by a mark; what is marked is swept step by step afterwards.
-- KEYS meta names newest, and for one stream its index and snapshots. ARGV what is removed: N, bucket \0 or nothing; for a stream also what
-- is expected of it: revision, incarnation.
-- Returns the newest checkpoint, what happened (changed, missing, conflict), and a stream's state before it.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local up_to, state = checkpoint, NO_STREAM
if KEYS[4] then
  local expected, incarnation = tonumber(ARGV[2]), tonumber(ARGV[3])
  local revision, last, birth = head(KEYS[4], marks, ARGV[1])
  if not revision then return { checkpoint, is_met(expected, incarnation, 0, 0) and 'missing' or 'conflict', state } end
  local first, is_sealed = state_of(ARGV[1])
  state = pack_state(birth, revision, first, is_sealed)
  if not is_met(expected, incarnation, revision, birth) then return { checkpoint, 'conflict', state } end
  up_to = last
elseif #ask('ZRANGEBYLEX', KEYS[2], '[' .. ARGV[1], ARGV[1] == '' and '+' or '(' .. ARGV[1] .. '\255', 'LIMIT', 0, 1) == 0 then
  return { checkpoint, 'missing', state }
end
ask('HLEN', base() .. 'removed')
if KEYS[4] then
  require_burial(ARGV[1])
  bury(ARGV[1], up_to)
end
note_gone(up_to)
write('HSET', base() .. 'removed', ARGV[1], struct.pack('>I6', up_to))
write('HSET', KEYS[1], 'removed', ask('HLEN', base() .. 'removed'))
return { checkpoint, 'changed', state }
