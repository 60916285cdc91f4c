-- What every script begins with. A store is one family of keys "{name}:…", all in one slot; KEYS[1] is always its "meta".
--   meta       hash    schema, checkpoint, stamp, document: what was last given out, never taken back; removed, states: how many marks and
--                      states there are; gone: the highest checkpoint that was ever removed; holder: the import that alone may commit
--   log        stream  one entry a chunk of a commit; its id is the checkpoint of the chunk's last event, its value header .. body
--   stream:N   string  the index of the stream N = bucket \0 category \0 id: one record a chunk, so the last record is the head
--   ids        hash    birth of the stream .. commit id -> id of the commit's first log entry
--   names      zset    N of every stream, by bytes
--   category:C, tag:T  string  the log entries of a category or tag: C = bucket \0 category, T = bucket \0 tag; six bytes an id, ascending
--   states     hash    N -> first revision, records of the index whose entries are cleared away, 1 for sealed; of few streams
--   truncated:N hash   commit id -> head of the first entry of a commit that was truncated
--   snapshots:N zset   revision:version:state, by bytes; newest: hash, N -> revision of the newest snapshot
--   documents  hash    name -> version .. content; titles: zset, their names by bytes
--   removed    hash    marks: N, bucket \0 or nothing (the whole store) -> everything of it up to this checkpoint is gone, then a cursor
--   graves     list    checkpoints c of indexes grave:c that wait for their entries to be swept
--   cuts       list    N of truncated streams that wait for their entries to be swept
-- A key that is not handed in as one of KEYS is touched only where one of those vouches that it is there.
-- Whatever is read here may have been damaged from outside: it is checked before it decides a loop, and before anything is written.
local RECORD, HEADER, MAX_NUMBER, MAX_STAMP = 24, 48, 2 ^ 47, '315537897599999999'
-- The longest document with its version; what an entry or a snapshot never reaches with all that goes with it; the longest name. What is
-- longer was not written here, and is not returned.
local MOST_DOCUMENT, MOST_VALUE, MOST_NAME = 4 * 1024 * 1024 + 6, 64 * 1024 * 1024, 2048
local newest_checkpoint -- of the store, once it is open
local has_states, holder, gone -- likewise
local has_begun = false -- to write
local failure -- what ended the script; versions of Redis differ in what a protected call returns of an error

local function base() return string.sub(KEYS[1], 1, -5) end

local function fail(err)
  failure = err
  error(err, 0)
end

-- Ends the script: the value of a key is not as these scripts write it. A control character would end the message.
local function damaged(key) fail('DAMAGED ' .. string.gsub(key, '[%z%c]', '/')) end

-- Commands go through these two, so that an error says whether something was written before it.
local function ask(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then damaged(key) end
    fail(reply.err)
  end
  return reply
end

local function write(command, key, ...)
  local reply = ask(command, key, ...)
  has_begun = true
  return reply
end

-- Runs a script. What its own code does not foresee can only come from a stored value: the arguments are the engine's.
local function guarded(run)
  local is_done, answer = pcall(run)
  if is_done then return answer end
  return { err = (has_begun and 'BEGUN ' or '') .. (failure or 'DAMAGED ' .. base() .. '*') }
end

-- A number that is kept as digits.
local function number(text, key)
  local value = text and #text <= 15 and string.find(text, '^%d+$') and tonumber(text)
  if not value or value > MAX_NUMBER then damaged(key) end
  return value
end

-- A number that six bytes begin with.
local function packed(text, key)
  if #text < 6 then damaged(key) end
  return (struct.unpack('>I6', text))
end

-- A document with its version before it; false where there is none. Its length is asked for first: a long one fills the server's memory.
local function document(key, name)
  if ask('HSTRLEN', key, name) > MOST_DOCUMENT then damaged(key) end
  local found = ask('HGET', key, name)
  return found, found and packed(found, key) or 0
end

-- A record of an index: last revision and last checkpoint of the chunk, birth (first checkpoint) of the stream, commit sequence.
local function record(text, at, key)
  if #text < at + RECORD - 1 then damaged(key) end
  local revision, checkpoint, birth, sequence = struct.unpack('>I6I6I6I6', text, at)
  if birth < 1 or sequence < 1 or sequence > revision or revision > checkpoint - birth + 1 or checkpoint > newest_checkpoint then
    damaged(key)
  end
  return revision, checkpoint, birth, sequence
end

local function name_of(value)
  return string.sub(value, HEADER + 43, HEADER + 42 + struct.unpack('>I2', value, HEADER + 41))
end

local function commit_id(value) return string.sub(value, HEADER + 21, HEADER + 36) end

-- Where the events of an entry begin: after the name and the headers of the commit.
local function events_at(value)
  local headers = HEADER + 43 + struct.unpack('>I2', value, HEADER + 41)
  return headers + 4 + struct.unpack('>I4', value, headers)
end

-- A log entry as XRANGE returns it: its value, first checkpoint, first revision and number of its events, then birth and sequence of its
-- commit. Its id is the checkpoint of its last event, so that what goes on behind an entry always advances.
local function entry(found, log)
  local id, value = string.match(found[1], '^(%d+)%-0$'), found[2][2]
  if not id or #value < HEADER + 46 or #value > MOST_VALUE then damaged(log) end
  local checkpoint, revision, sequence, birth, unit = struct.unpack('>I6I6I6I6I6', value)
  local count, offset, total = struct.unpack('>I4I4I4', value, HEADER + 9)
  if count < 1 or offset + count > total or tonumber(id) ~= checkpoint + offset + count - 1 or birth < 1 or birth > checkpoint
    or revision < 1 or revision > checkpoint - birth + 1 or sequence < 1 or sequence > revision or unit < 1 or unit > checkpoint
    or #value < HEADER + 46 + struct.unpack('>I2', value, HEADER + 41) then
    damaged(log)
  end
  return value, checkpoint + offset, revision + offset, count, birth, sequence
end

-- Where the store is: its newest checkpoint, its newest stamp and, while something is being swept, the marks.
local function open()
  local meta = ask('HMGET', KEYS[1], 'checkpoint', 'stamp', 'removed', 'states', 'gone', 'holder')
  if not meta[1] then return nil end
  newest_checkpoint = number(meta[1], KEYS[1])
  gone, has_states, holder = number(meta[5], KEYS[1]), number(meta[4], KEYS[1]) > 0, meta[6] or ''
  local stamp = meta[2] or ''
  if #stamp ~= 18 or not string.find(stamp, '^%d+$') or stamp > MAX_STAMP or gone > newest_checkpoint
    or #holder > MOST_NAME then
    damaged(KEYS[1])
  end
  local marks
  if meta[3] ~= '0' then
    marks = {}
    local removed = base() .. 'removed'
    local all = ask('HGETALL', removed)
    if #all == 0 then return nil end
    for i = 1, #all, 2 do
      marks[all[i]] = packed(all[i + 1], removed)
      if marks[all[i]] > newest_checkpoint then damaged(removed) end
    end
  end
  return newest_checkpoint, stamp, marks
end

local GONE = { err = 'STOREGONE the store is not there, or not whole' }

local function is_removed(marks, name, checkpoint)
  return checkpoint <= (marks[name] or 0)
    or checkpoint <= (marks[string.match(name, '^[^%z]*%z')] or 0)
    or checkpoint <= (marks[''] or 0)
end

-- Which record of an index is the first that reaches a revision, from 0. A record holds at least one event, so it is no later than the
-- revision's place.
local function find_record(key, revision)
  local low, high = 0, revision - 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local text = ask('GETRANGE', key, middle * RECORD, middle * RECORD + RECORD - 1)
    -- Where chunks hold several events, there is nothing beyond the end.
    if text == '' or (record(text, 1, key)) >= revision then high = middle else low = middle + 1 end
  end
  return low
end

-- The last record of a stream's index, then how many records there are; nil where there is no stream.
local function head(key, marks, name)
  local length = ask('STRLEN', key)
  if length == 0 then return nil end
  if length % RECORD ~= 0 then damaged(key) end
  local revision, checkpoint, birth, sequence = record(ask('GETRANGE', key, -RECORD, -1), 1, key)
  if length / RECORD > revision then damaged(key) end
  if marks and is_removed(marks, name, checkpoint) then return nil, checkpoint end
  return revision, checkpoint, birth, sequence, length / RECORD
end

-- What is kept of a stream that there is: its first revision, whether it is sealed, and how many records of its index are swept.
local function state_of(name)
  local kept = has_states and ask('HGET', base() .. 'states', name)
  if not kept then return 1, false, 0 end
  local first, swept = struct.unpack('>I6I6', kept)
  if #kept ~= 13 or first < 1 then damaged(base() .. 'states') end
  return first, string.byte(kept, 13) == 49, swept
end

local function keep_state(name, first, is_sealed, swept)
  write('HSET', base() .. 'states', name, struct.pack('>I6I6', first, swept) .. (is_sealed and '1' or '0'))
  write('HSET', KEYS[1], 'states', ask('HLEN', base() .. 'states'))
end

-- A stream as it is returned; of revision 0 where there is none.
local function pack_state(birth, revision, first, is_sealed)
  if revision > 0 and first > revision + 1 then damaged(base() .. 'states') end
  return struct.pack('>I6I6I6', birth, revision, first) .. (is_sealed and '1' or '0')
end

local NO_STREAM = string.rep('\0', 18) .. '0'

-- Whether a stream is as expected: any (1), there (0), or at a revision, which is two less; of an incarnation, or of any (0).
local function is_met(expected, incarnation, revision, birth)
  return (expected == 1 or (expected == 0 and revision > 0) or expected - 2 == revision) and (incarnation == 0 or incarnation == birth)
end

-- The revision of a stream's newest snapshot; 0 where there is none.
local function newest_snapshot(newest, name, revision)
  local found = ask('HGET', newest, name)
  local snapshot = found and number(found, newest) or 0
  if snapshot > revision then damaged(newest) end
  return snapshot
end

-- Requires of what `bury` writes that it is of the right kind, or not there.
local function require_burial(name)
  ask('LLEN', base() .. 'graves')
  ask('ZCARD', base() .. 'names')
  ask('HEXISTS', base() .. 'newest', name)
  ask('HEXISTS', base() .. 'states', name)
end

-- Takes a removed stream from every list; what its index names in the log waits in a grave.
local function bury(name, checkpoint)
  local grave = string.format('%.0f', checkpoint)
  write('RENAME', base() .. 'stream:' .. name, base() .. 'grave:' .. grave)
  write('RPUSH', base() .. 'graves', grave)
  write('ZREM', base() .. 'names', name)
  write('HDEL', base() .. 'newest', name)
  write('UNLINK', base() .. 'snapshots:' .. name)
  if has_states and write('HDEL', base() .. 'states', name) == 1 then
    write('UNLINK', base() .. 'truncated:' .. name)
    write('HSET', KEYS[1], 'states', ask('HLEN', base() .. 'states'))
  end
end

-- Notes that events up to a checkpoint are removed.
local function note_gone(checkpoint)
  if checkpoint > gone then write('HSET', KEYS[1], 'gone', checkpoint) end
end
