-- One step of clearing away what is marked as removed. May be stopped and continued by any process at any step.
-- KEYS meta log ids names removed graves. ARGV how many entries or names to look at. Returns the newest checkpoint and how many marks are
-- left.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local budget, removed, graves = tonumber(ARGV[1]), KEYS[5], KEYS[6]

-- Takes away the entries of the log and the commit ids that the index in a grave names, from its beginning; meta keeps how far that is.
local function sweep_grave(grave)
  local key, done = base() .. 'grave:' .. grave, number(ask('HGET', KEYS[1], 'swept') or '0', KEYS[1])
  local text = ask('GETRANGE', key, done * RECORD, (done + budget) * RECORD - 1)
  local count = #text / RECORD
  if count == 0 or count % 1 ~= 0 then damaged(key) end
  for i = 0, count - 1 do
    local last, id, birth = record(text, i * RECORD + 1, key)
    local found = ask('XRANGE', KEYS[2], id, id)[1]
    if found then
      local value, _, first, size, born = entry(found, KEYS[2])
      -- What is not this stream's stays.
      if born ~= birth or first + size - 1 ~= last then damaged(key) end
      write('HDEL', KEYS[3], struct.pack('>I6', birth) .. commit_id(value))
      write('XDEL', KEYS[2], id)
      budget = budget - math.floor(#value / 65536)
    end
    budget, done = budget - 1, done + 1
    if budget <= 0 then break end
  end
  if done * RECORD < ask('STRLEN', key) then return write('HSET', KEYS[1], 'swept', done) end
  write('HDEL', KEYS[1], 'swept')
  write('LPOP', graves)
  write('UNLINK', key)
end

-- The streams below a mark, from its cursor on; those created since are left alone. Returns false when there are no more.
local function sweep_names(mark, value)
  local up_to, cursor = packed(value, removed), string.sub(value, 7)
  local from = cursor ~= '' and '(' .. cursor or '[' .. mark
  local names = ask('ZRANGEBYLEX', KEYS[4], from, mark == '' and '+' or '(' .. mark .. '\255', 'LIMIT', 0, math.max(1, budget))
  for i = 1, #names do
    -- An empty cursor is the beginning: behind a name that is empty the walk would begin again, for ever.
    if names[i] == '' then damaged(KEYS[4]) end
    local revision, last = head(base() .. 'stream:' .. names[i], marks, names[i])
    if not revision and last then
      require_burial(names[i])
      bury(names[i], last)
    end
  end
  budget = budget - #names
  if #names == 0 then return false end
  write('HSET', removed, mark, struct.pack('>I6', up_to) .. names[#names])
  return true
end

while budget > 0 do
  local grave = ask('LINDEX', graves, 0)
  if grave then
    sweep_grave(grave)
  else
    local all = ask('HGETALL', removed)
    if #all == 0 then break end
    -- A mark with two \0 is one stream's, which was buried when it was made.
    local _, zeros = string.gsub(all[1], '%z', '')
    if zeros == 2 or not sweep_names(all[1], all[2]) then write('HDEL', removed, all[1]) end
    budget = budget - 1
  end
end

local left = ask('HLEN', removed)
write('HSET', KEYS[1], 'removed', left)
return { checkpoint, left }
