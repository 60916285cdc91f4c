-- What every script begins with. A store is one family of keys "{name}:…", all in one slot; KEYS[1] is always its "meta".
--   meta       hash    schema, checkpoint, stamp, document: what was last given out, never taken back; removed: how many marks there are
--   log        stream  one entry a chunk of a commit; its id is the checkpoint of the chunk's last event, its value header .. body
--   stream:N   string  the index of the stream N = bucket \0 category \0 id: one record a chunk, so the last record is the head
--   ids        hash    birth of the stream .. commit id -> id of the commit's first log entry
--   names      zset    N of every stream, by bytes
--   snapshots:N zset   revision:version:state, by bytes; newest: hash, N -> revision of the newest snapshot
--   documents  hash    name -> version .. content; titles: zset, their names by bytes
--   removed    hash    marks: N, bucket \0 or nothing (the whole store) -> everything of it up to this checkpoint is gone, then a cursor
--   graves     list    checkpoints c of indexes grave:c that wait for their entries to be swept
-- A key that is not handed in as one of KEYS is touched only where one of those vouches that it is there.
local RECORD, HEADER = 24, 42

local function base() return string.sub(KEYS[1], 1, -5) end

-- A record of an index: last revision and last checkpoint of the chunk, birth (first checkpoint) of the stream, commit sequence.
local function record(text, at) return struct.unpack('>I6I6I6I6', text, at) end

-- The place of a log entry: first checkpoint and first revision of its commit, the chunk's offset in it and its number of events.
local function place(value)
  local checkpoint, revision = struct.unpack('>I6I6', value)
  local count, offset = struct.unpack('>I4I4', value, HEADER + 5)
  return checkpoint + offset, revision + offset, count
end

local function commit_id(value) return string.sub(value, HEADER + 17, HEADER + 32) end

local function name_of(value)
  return string.sub(value, HEADER + 35, HEADER + 34 + struct.unpack('>I2', value, HEADER + 33))
end

-- Where the store is: its newest checkpoint, its newest stamp and, while something is being swept, the marks.
local function open()
  local meta = redis.call('HMGET', KEYS[1], 'checkpoint', 'stamp', 'removed')
  if not meta[1] then return nil end
  local marks
  if meta[3] ~= '0' then
    marks = {}
    local all = redis.call('HGETALL', base() .. 'removed')
    if #all == 0 then return nil end
    for i = 1, #all, 2 do marks[all[i]] = (struct.unpack('>I6', all[i + 1])) end
  end
  return tonumber(meta[1]), meta[2], marks
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
    local text = redis.call('GETRANGE', key, middle * RECORD, middle * RECORD + RECORD - 1)
    -- Where chunks hold several events, there is nothing beyond the end.
    if text == '' or (record(text, 1)) >= revision then high = middle else low = middle + 1 end
  end
  return low
end

-- The last record of a stream's index; nil where there is no stream.
local function head(key, marks, name)
  local tail = redis.call('GETRANGE', key, -RECORD, -1)
  if tail == '' then return nil end
  local revision, checkpoint, birth, sequence = record(tail, 1)
  if marks and is_removed(marks, name, checkpoint) then return nil, checkpoint end
  return revision, checkpoint, birth, sequence
end

-- Takes a removed stream from every list; what its index names in the log waits in a grave.
local function bury(name, checkpoint)
  local grave = string.format('%.0f', checkpoint)
  redis.call('RENAME', base() .. 'stream:' .. name, base() .. 'grave:' .. grave)
  redis.call('RPUSH', base() .. 'graves', grave)
  redis.call('ZREM', base() .. 'names', name)
  redis.call('HDEL', base() .. 'newest', name)
  redis.call('UNLINK', base() .. 'snapshots:' .. name)
end
