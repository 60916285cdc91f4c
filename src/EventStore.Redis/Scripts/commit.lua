-- Stores attempts: decides each against those before it, gives out checkpoints, appends. One script run is the section in which checkpoints
-- are given out and become visible, so no reader ever meets a gap that fills later.
-- KEYS meta log ids names, then the index of each attempt's stream.
-- ARGV channel, newest checkpoint the caller knows of, stamp, then for each attempt: expected revision, number of chunks, for each chunk:
-- number of events, body.
-- Returns the newest checkpoint, the stamp, a record an attempt, and the first entries of the commits that were there already.
local MAX_RECORDS = 20000000 -- what an index holds in the 512 MB of a string
local checkpoint, stamp, marks = open()
if not checkpoint then return GONE end
if checkpoint < tonumber(ARGV[2]) then return { checkpoint, stamp } end
if ARGV[3] > stamp then stamp = ARGV[3] end

-- Every head is read, and every key that is written is looked at, before anything is written. The ids and the log are the first that are.
local prefix = #base() + 8
local heads = {}
for i = 5, #KEYS do
  local key = KEYS[i]
  if not heads[key] then
    local name = string.sub(key, prefix)
    local revision, last, birth, sequence, records = head(key, marks, name)
    heads[key] = { name = name, revision = revision or 0, last = last, birth = birth, sequence = sequence or 0 }
    if not revision then ask('ZCARD', KEYS[4]) end
    if last and not revision then require_burial(name) end
    if records and records + #ARGV > MAX_RECORDS then return { err = 'STREAMFULL a stream has more commits than an index holds' } end
  end
end

-- The first entry of a commit that is stored; nothing where that is damaged or gone.
local function original_of(id, name, wanted)
  local found = #id <= 15 and string.find(id, '^%d+$') and ask('XRANGE', KEYS[2], id, id)[1]
  if not found then return '' end
  local is_sound, value = pcall(entry, found, KEYS[2])
  return is_sound and commit_id(value) == wanted and name_of(value) == name and value or ''
end

local first, outcomes, originals, at = checkpoint, {}, {}, 4
for i = 5, #KEYS do
  local stream = heads[KEYS[i]]
  local expected, chunks = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local is_met = expected == stream.revision or expected == -1 or (expected == -2 and stream.revision > 0)
  local birth = stream.revision > 0 and stream.birth or checkpoint + 1
  local id, entry_id = struct.pack('>I6', birth) .. string.sub(ARGV[at + 3], 17, 32), checkpoint + tonumber(ARGV[at + 2])
  local original

  -- A known id is found before the expectation is compared. Where both are fine, noting the id is the first thing written.
  if stream.revision == 0 then
    if is_met then ask('HSET', KEYS[3], id, entry_id) end
  elseif not is_met or ask('HSETNX', KEYS[3], id, entry_id) == 0 then
    original = ask('HGET', KEYS[3], id)
  end

  if original then
    originals[#originals + 1] = original_of(original, stream.name, string.sub(id, 7))
    outcomes[#outcomes + 1] = 'D' .. struct.pack('>I6I6I6', 0, 0, 0)
  elseif not is_met then
    outcomes[#outcomes + 1] = 'C' .. struct.pack('>I6I6I6', stream.revision, 0, 0)
  else
    stream.sequence = stream.sequence + 1
    local header = struct.pack('>I6I6I6I6', checkpoint + 1, stream.revision + 1, stream.sequence, birth) .. stamp
    outcomes[#outcomes + 1] = 'S' .. string.sub(header, 1, 18)
    for chunk = 1, chunks do
      local count, is_new = tonumber(ARGV[at + 2 * chunk]), stream.revision == 0
      checkpoint, stream.revision = checkpoint + count, stream.revision + count
      local added = redis.pcall('XADD', KEYS[2], checkpoint, 'c', header .. ARGV[at + 2 * chunk + 1])
      if type(added) == 'table' and added.err then
        -- A log that takes no entry is no log, or has given out the number. The id that was just noted is all that was written.
        if not has_begun then ask('HDEL', KEYS[3], id) end
        damaged(KEYS[2])
      end
      has_begun = true
      if is_new then
        if stream.last then bury(stream.name, stream.last) end
        write('ZADD', KEYS[4], 0, stream.name)
      end
      stream.birth, stream.last = birth, nil
      write('APPEND', KEYS[i], struct.pack('>I6I6I6I6', stream.revision, checkpoint, birth, stream.sequence))
    end
  end
  at = at + 2 + 2 * chunks
end

-- Written for a duplicate, too: who waits for replicas then waits for what came before this run.
if checkpoint > first or #originals > 0 then write('HSET', KEYS[1], 'checkpoint', checkpoint, 'stamp', stamp) end
if checkpoint > first then write('PUBLISH', ARGV[1], checkpoint) end
return { checkpoint, stamp, table.concat(outcomes), unpack(originals) }
