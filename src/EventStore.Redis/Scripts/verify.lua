-- A page of the log with what is wrong about each entry. KEYS meta log ids. ARGV after, up to, most entries, most bytes.
-- Returns the newest checkpoint, how far the page looked, and for each entry: 'index' or 'id' where that does not lead to it, and the
-- entry.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local after, up_to = tonumber(ARGV[1]), math.min(tonumber(ARGV[2]), checkpoint)
local answer, bytes, entries = { checkpoint, up_to }, 0, 0

local function problem(value, name, first, revision, last)
  local _, _, sequence, birth = struct.unpack('>I6I6I6I6', value)
  local key = base() .. 'stream:' .. name
  local at = find_record(key, revision) * RECORD
  local text = redis.call('GETRANGE', key, at, at + RECORD - 1)
  if #text < RECORD or text ~= struct.pack('>I6I6I6I6', revision, last, birth, sequence) then return 'index' end
  local noted = redis.call('HGET', KEYS[3], struct.pack('>I6', birth) .. commit_id(value))
  if not noted or tonumber(noted) > last or tonumber(noted) < struct.unpack('>I6', value) then return 'id' end
  return ''
end

local from = after + 1
while from <= up_to and entries < tonumber(ARGV[3]) and bytes < tonumber(ARGV[4]) do
  local found = redis.call('XRANGE', KEYS[2], from, up_to, 'COUNT', 16)
  for i = 1, #found do
    local value = found[i][2][2]
    local first, revision, count = place(value)
    local last, name = first + count - 1, name_of(value)
    if not (marks and is_removed(marks, name, last)) then
      answer[#answer + 1] = problem(value, name, first, revision + count - 1, last)
      answer[#answer + 1] = value
    end
    entries, bytes, from = entries + 1, bytes + #value, last + 1
  end
  if #found < 16 then return answer end
end
answer[2] = math.min(from - 1, up_to)
return answer
