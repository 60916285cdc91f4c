-- A page of the log with what is wrong about each entry. KEYS meta log ids. ARGV after, up to, most entries, most bytes.
-- Returns the newest checkpoint, how far the page looked, and for each entry: 'index' or 'id' where that does not lead to it, 'entry' where
-- its own numbers are impossible, and the entry.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local after, up_to = tonumber(ARGV[1]), math.min(tonumber(ARGV[2]), checkpoint)
local answer, bytes, entries = { checkpoint, up_to }, 0, 0

local function problem(value, name, revision, last, birth, sequence)
  local key = base() .. 'stream:' .. name
  local at = find_record(key, revision) * RECORD
  local text = ask('GETRANGE', key, at, at + RECORD - 1)
  if #text < RECORD or text ~= struct.pack('>I6I6I6I6', revision, last, birth, sequence) then return 'index' end
  local noted = ask('HGET', KEYS[3], struct.pack('>I6', birth) .. commit_id(value))
  local at_id = noted and #noted <= 15 and string.find(noted, '^%d+$') and tonumber(noted)
  if not at_id or at_id > last or at_id < struct.unpack('>I6', value) then return 'id' end
  return ''
end

local from = after + 1
while from <= up_to and entries < tonumber(ARGV[3]) and bytes < tonumber(ARGV[4]) do
  local found = ask('XRANGE', KEYS[2], from, up_to, 'COUNT', 16)
  for i = 1, #found do
    local last = tonumber(string.match(found[i][1], '^%d+'))
    local is_sound, value, _, revision, count, birth, sequence = pcall(entry, found[i], KEYS[2])
    if not is_sound then
      value = found[i][2][2]
      answer[#answer + 1] = 'entry'
      answer[#answer + 1] = struct.pack('>I6', last) .. string.sub(value, 7)
    elseif not (marks and is_removed(marks, name_of(value), last)) then
      local is_index, what = pcall(problem, value, name_of(value), revision + count - 1, last, birth, sequence)
      answer[#answer + 1] = is_index and what or 'index'
      answer[#answer + 1] = value
    end
    entries, bytes, from = entries + 1, bytes + #value, last + 1
  end
  if #found < 16 then return answer end
end
answer[2] = math.min(from - 1, up_to)
return answer
