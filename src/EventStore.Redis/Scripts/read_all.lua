-- A page of the store in the order of checkpoints: the entries of a range whose streams are asked for, until enough events or bytes are
-- gathered or enough entries were examined.
-- KEYS meta log. ARGV after, up to, 1 for backward, most events, most bytes, most entries, then bucket, category, id; false is said by a
-- leading 0.
-- Returns the newest checkpoint, how far the page looked unless the range ended, whether it did, and the entries.
local AT_ONCE = 16 -- entries asked of the log together, so that large ones do not fill the server's memory
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local after, up_to, backward = tonumber(ARGV[1]), math.min(tonumber(ARGV[2]), checkpoint), ARGV[3] == '1'
local max_events, max_bytes, max_entries = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local function asked(i) return string.sub(ARGV[i], 1, 1) == '1' and string.sub(ARGV[i], 2) end
local bucket, category, id = asked(7), asked(8), asked(9)
local is_picky = marks or bucket or category or id

-- A name is bucket \0 category \0 id, and none of the three holds a \0.
local function is_wanted(value, last)
  local name = name_of(value)
  return not (marks and is_removed(marks, name, last))
    and (not bucket or string.sub(name, 1, #bucket + 1) == bucket .. '\0')
    and (not category or string.find(name, '\0' .. category .. '\0', 1, true))
    and (not id or string.sub(name, -#id - 1) == '\0' .. id)
end

local answer = { checkpoint, 0, 1 }
local events, bytes, entries = 0, 0, 0

-- Looks at one entry; returns false where the page ends before the range does.
local function take(value, first, count)
  local last = first + count - 1
  if not is_picky or is_wanted(value, last) then
    answer[#answer + 1] = value
    bytes = bytes + #value
    events = events + math.min(last, up_to) - math.max(first, after + 1) + 1
  end
  entries = entries + 1
  if events < max_events and bytes < max_bytes and entries < max_entries then return true end
  if backward then
    answer[2] = math.max(first, after + 1)
    answer[3] = answer[2] == after + 1 and 1 or 0
  else
    answer[2] = math.min(last, up_to)
    answer[3] = answer[2] == up_to and 1 or 0
  end
  return false
end

if after >= up_to then return answer end
if not backward then
  local from = after + 1
  while true do
    local found = ask('XRANGE', KEYS[2], from, '+', 'COUNT', AT_ONCE)
    for i = 1, #found do
      local value, first, _, count = entry(found[i], KEYS[2])
      if first > up_to or not take(value, first, count) then return answer end
      from = first + count
    end
    if #found < AT_ONCE or from > up_to then return answer end
  end
end

-- The entry that holds the upper end may reach beyond it.
local to = up_to - 1
local highest = ask('XRANGE', KEYS[2], up_to, '+', 'COUNT', 1)[1]
if highest then
  local value, first, _, count = entry(highest, KEYS[2])
  if first <= up_to and not take(value, first, count) then return answer end
end
while to > after do
  local found = ask('XREVRANGE', KEYS[2], to, after + 1, 'COUNT', AT_ONCE)
  for i = 1, #found do
    local value, first, _, count = entry(found[i], KEYS[2])
    if not take(value, first, count) then return answer end
    to = first - 1
  end
  if #found < AT_ONCE then return answer end
end
return answer
