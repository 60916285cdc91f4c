-- Streams and how far their indexes lead up to a checkpoint. KEYS meta names. ARGV lower end, upper end, most names, the checkpoint.
-- Returns the newest checkpoint, the name to go on after (or false), then for each stream: name, revision, first revision; a revision of -1
-- where its index is damaged or gone, -2 where it expires.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local up_to = tonumber(ARGV[4])

-- The revision that an index leads to; nothing for a stream that was removed.
local function reach(name)
  local key = base() .. 'stream:' .. name
  local revision, last, _, _, records = head(key, marks, name)
  if not revision then return not last and -1 or nil end
  if ask('PTTL', key) >= 0 then return -2 end
  local low, high = 0, records
  while low < high do
    local middle = math.floor((low + high) / 2)
    local _, at = record(ask('GETRANGE', key, middle * RECORD, middle * RECORD + RECORD - 1), 1, key)
    if at <= up_to then low = middle + 1 else high = middle end
  end
  return low == 0 and 0 or (record(ask('GETRANGE', key, (low - 1) * RECORD, low * RECORD - 1), 1, key))
end

local names = ask('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local answer = { checkpoint, #names == tonumber(ARGV[3]) and names[#names] or false }
for i = 1, #names do
  if #names[i] > MOST_NAME then damaged(KEYS[2]) end
  local is_sound, revision = pcall(reach, names[i])
  local is_kept, first = pcall(state_of, names[i])
  if not is_sound or not is_kept then revision = -1 end
  if revision then
    for _, part in ipairs({ names[i], revision, is_kept and first or 1 }) do answer[#answer + 1] = part end
  end
end
return answer
