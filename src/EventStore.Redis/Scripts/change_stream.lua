-- Truncates or seals a stream that is as expected. What is truncated is absent from every read at once, and swept step by step afterwards.
-- KEYS meta index newest snapshots. ARGV name, expected, incarnation, the first revision that stays; nothing to seal.
-- Returns the newest checkpoint, what happened (changed, unchanged, missing, conflict), and the stream's state after it.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local name, expected, incarnation, before = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local revision, _, birth = head(KEYS[2], marks, name)
if not revision then return { checkpoint, is_met(expected, incarnation, 0, 0) and 'missing' or 'conflict', NO_STREAM } end
local first, is_sealed, swept = state_of(name)
local state = pack_state(birth, revision, first, is_sealed)
if not is_met(expected, incarnation, revision, birth) then return { checkpoint, 'conflict', state } end
ask('HLEN', base() .. 'states')
if not before then
  if is_sealed then return { checkpoint, 'unchanged', state } end
  keep_state(name, first, true, swept)
  return { checkpoint, 'changed', pack_state(birth, revision, first, true) }
end

before = math.min(before, revision + 1)
if before <= first then return { checkpoint, 'unchanged', state } end
local at = find_record(KEYS[2], before - 1) * RECORD
local last, last_checkpoint = record(ask('GETRANGE', KEYS[2], at, at + RECORD - 1), 1, KEYS[2])
if last < before - 1 then damaged(KEYS[2]) end
local newest = newest_snapshot(KEYS[3], name, revision)
ask('LLEN', base() .. 'cuts')
keep_state(name, before, is_sealed, swept)
note_gone(last_checkpoint - (last - (before - 1)))
write('RPUSH', base() .. 'cuts', name)
write('ZREMRANGEBYLEX', KEYS[4], '-', '(' .. string.format('%019.0f', before - 1))
if newest > 0 and newest < before - 1 then write('HDEL', KEYS[3], name) end
return { checkpoint, 'changed', pack_state(birth, revision, before, is_sealed) }
