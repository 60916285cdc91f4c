-- Streams and how far their indexes lead up to a checkpoint. KEYS meta names. ARGV lower end, upper end, most names, the checkpoint.
-- Returns the newest checkpoint, the name to go on after (or false), then for each stream: name, revision.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local names = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local answer = { checkpoint, #names == tonumber(ARGV[3]) and names[#names] or false }
for i = 1, #names do
  local key = base() .. 'stream:' .. names[i]
  local revision, last = head(key, marks, names[i])
  if revision then
    local low, high = 0, redis.call('STRLEN', key) / RECORD
    while low < high do
      local middle = math.floor((low + high) / 2)
      local _, entry = record(redis.call('GETRANGE', key, middle * RECORD, middle * RECORD + RECORD - 1), 1)
      if entry <= tonumber(ARGV[4]) then low = middle + 1 else high = middle end
    end
    answer[#answer + 1] = names[i]
    answer[#answer + 1] = low == 0 and 0 or (record(redis.call('GETRANGE', key, (low - 1) * RECORD, low * RECORD - 1), 1))
  elseif not last then
    return { err = 'INDEXGONE a stream is listed, but its index is not there' }
  end
end
return answer
