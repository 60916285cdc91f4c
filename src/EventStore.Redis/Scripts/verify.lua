-- A page of the log with what is wrong about each entry. KEYS meta log ids. ARGV after, up to, most entries, most bytes.
-- Returns the newest checkpoint, how far the page looked, and for each entry: 'index', 'id' or 'term' where that does not lead to it,
-- 'entry' where its own numbers are impossible; the first revision of its stream; and the entry.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local after, up_to = tonumber(ARGV[1]), math.min(tonumber(ARGV[2]), checkpoint)
local answer, bytes, entries = { checkpoint, up_to }, 0, 0

local function is_in_term(key, last)
  local length = term_length(key)
  local place = place_above(key, length, last - 1)
  return place < length and packed(ids_of(key, place, 1), key) == last
end

-- Whether the id of a commit leads to its first entry, or to what is kept of it.
local function is_noted(value, name, last, birth)
  local noted = ask('HGET', KEYS[3], struct.pack('>I6', birth) .. commit_id(value))
  if noted then
    local at_id = #noted <= 15 and string.find(noted, '^%d+$') and tonumber(noted)
    return at_id and at_id <= last and at_id >= struct.unpack('>I6', value)
  end
  local kept = ask('HGET', base() .. 'truncated:' .. name, commit_id(value))
  return kept and string.sub(kept, 1, 6) == string.sub(value, 1, 6)
end

local function problem(value, name, first, revision, count, birth, sequence)
  local key, last = base() .. 'stream:' .. name, first + count - 1
  local at = find_record(key, revision + count - 1) * RECORD
  local text = ask('GETRANGE', key, at, at + RECORD - 1)
  if #text < RECORD or text ~= struct.pack('>I6I6I6I6', revision + count - 1, last, birth, sequence) then return 'index' end
  if not is_noted(value, name, last, birth) then return 'id' end
  local is_whole, terms = pcall(terms_of, value, first, revision, count)
  for i = 1, is_whole and #terms or 0 do
    local is_sound, is_named = pcall(is_in_term, terms[i], last)
    if not is_sound or not is_named then return 'term' end
  end
  return ''
end

local function lowest_of(name)
  local is_sound, lowest = pcall(state_of, name)
  return is_sound and lowest or 1
end

local from = after + 1
while from <= up_to and entries < tonumber(ARGV[3]) and bytes < tonumber(ARGV[4]) do
  local found = ask('XRANGE', KEYS[2], from, up_to, 'COUNT', 16)
  for i = 1, #found do
    local last = tonumber(string.match(found[i][1], '^%d+'))
    local is_sound, value, first, revision, count, birth, sequence = pcall(entry, found[i], KEYS[2])
    if not is_sound then
      value = found[i][2][2]
      if #value > MOST_VALUE then value = string.sub(value, 1, HEADER) end
      for _, part in ipairs({ 'entry', 1, struct.pack('>I6', last) .. string.sub(value, 7) }) do answer[#answer + 1] = part end
    else
      local name = name_of(value)
      local lowest = lowest_of(name)
      if not (marks and is_removed(marks, name, last)) and revision + count - 1 >= lowest then
        local is_index, what = pcall(problem, value, name, first, revision, count, birth, sequence)
        for _, part in ipairs({ is_index and what or 'index', lowest, value }) do answer[#answer + 1] = part end
      end
    end
    entries, bytes, from = entries + 1, bytes + #value, last + 1
  end
  if #found < 16 then return answer end
end
answer[2] = math.min(from - 1, up_to)
return answer
