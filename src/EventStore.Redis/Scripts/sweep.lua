-- One step of clearing away what is marked as removed. May be stopped and continued by any process at any step.
-- KEYS meta log ids names removed graves. ARGV how many entries or names to look at. Returns the newest checkpoint and how many marks are
-- left.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local budget, removed, graves = tonumber(ARGV[1]), KEYS[5], KEYS[6]

-- Takes away the entries of the log and the commit ids that the index in a grave names, from its beginning; meta keeps how far that is.
local function sweep_grave(grave)
  local key, done = base() .. 'grave:' .. grave, tonumber(redis.call('HGET', KEYS[1], 'swept') or 0)
  local text = redis.call('GETRANGE', key, done * RECORD, (done + budget) * RECORD - 1)
  local count = #text / RECORD
  if count == 0 then error('GRAVEGONE') end
  for i = 0, count - 1 do
    local _, entry, birth = record(text, i * RECORD + 1)
    local found = redis.call('XRANGE', KEYS[2], entry, entry)[1]
    if found then
      redis.call('HDEL', KEYS[3], struct.pack('>I6', birth) .. commit_id(found[2][2]))
      redis.call('XDEL', KEYS[2], entry)
      budget = budget - math.floor(#found[2][2] / 65536)
    end
    budget, done = budget - 1, done + 1
    if budget <= 0 then break end
  end
  if done * RECORD < redis.call('STRLEN', key) then return redis.call('HSET', KEYS[1], 'swept', done) end
  redis.call('HDEL', KEYS[1], 'swept')
  redis.call('LPOP', graves)
  redis.call('UNLINK', key)
end

-- The streams below a mark, from its cursor on; those created since are left alone. Returns false when there are no more.
local function sweep_names(mark, value)
  local up_to, cursor = struct.unpack('>I6', value), string.sub(value, 7)
  local from = cursor ~= '' and '(' .. cursor or '[' .. mark
  local names = redis.call('ZRANGEBYLEX', KEYS[4], from, mark == '' and '+' or '(' .. mark .. '\255', 'LIMIT', 0, math.max(1, budget))
  for i = 1, #names do
    local revision, last = head(base() .. 'stream:' .. names[i], marks, names[i])
    if not revision and last then bury(names[i], last) end
  end
  budget = budget - #names
  if #names == 0 then return false end
  redis.call('HSET', removed, mark, struct.pack('>I6', up_to) .. names[#names])
  return true
end

while budget > 0 do
  local grave = redis.call('LINDEX', graves, 0)
  if grave then
    sweep_grave(grave)
  else
    local all = redis.call('HGETALL', removed)
    if #all == 0 then break end
    -- A mark with two \0 is one stream's, which was buried when it was made.
    local _, zeros = string.gsub(all[1], '%z', '')
    if zeros == 2 or not sweep_names(all[1], all[2]) then redis.call('HDEL', removed, all[1]) end
    budget = budget - 1
  end
end

local left = redis.call('HLEN', removed)
redis.call('HSET', KEYS[1], 'removed', left)
return { checkpoint, left }
