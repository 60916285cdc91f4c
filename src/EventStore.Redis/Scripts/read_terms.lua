-- A page of the entries that some criteria may match, merged from one term of each criterion: the one that names the fewest of them.
-- KEYS meta log. ARGV the range, then the criteria. Returns a page.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local range = asked_range()
local after, up_to, is_backward = range.after, range.up_to, range.is_backward
local take, finish = begin_page(range, marks)
if after >= up_to then return finish() end

-- A cursor of each term. The entry that holds the upper end may reach beyond it, so it is the last one.
local cursors, known = {}, {}
for _, criterion in ipairs((parse_criteria(ARGV[7], 1))) do
  local key, low, length = rarest(criterion, after)
  if not known[key] then
    known[key] = true
    local high = math.min(length, place_above(key, length, up_to - 1) + 1) - 1
    if low <= high then cursors[#cursors + 1] = { key = key, low = low, high = high, ids = {}, at = 1 } end
  end
end

-- The next id of a cursor; nil at its end.
local function peek(cursor)
  if cursor.at > #cursor.ids then
    if cursor.low > cursor.high then return nil end
    local amount = math.min(AT_ONCE, cursor.high - cursor.low + 1)
    local text = ids_of(cursor.key, is_backward and cursor.high - amount + 1 or cursor.low, amount)
    cursor.ids, cursor.at = {}, 1
    for i = 1, amount do
      local id = struct.unpack('>I6', text, ((is_backward and amount - i or i - 1) * TERM) + 1)
      local before = i > 1 and cursor.ids[i - 1] or cursor.before
      if id > newest_checkpoint or (before and (is_backward and id >= before or not is_backward and id <= before)) then
        damaged(cursor.key)
      end
      cursor.ids[i] = id
    end
    cursor.before = cursor.ids[amount]
    if is_backward then cursor.high = cursor.high - amount else cursor.low = cursor.low + amount end
  end
  return cursor.ids[cursor.at]
end

-- What is no longer in the log counts as looked at, too.
local passed = 0
while true do
  local next
  for i = 1, #cursors do
    local id = peek(cursors[i])
    if id and (not next or (is_backward and id > next or not is_backward and id < next)) then next = id end
  end
  if not next then return finish() end
  for i = 1, #cursors do
    if peek(cursors[i]) == next then cursors[i].at = cursors[i].at + 1 end
  end
  local found = ask('XRANGE', KEYS[2], next, next)[1]
  if found then
    local value, first, revision, count = entry(found, KEYS[2])
    if first > up_to then
      if not is_backward then return finish() end
    elseif not take(value, first, count, revision) then
      return finish()
    end
  else
    passed = passed + 1
    if passed >= range.max_entries then
      local answer = finish()
      answer[2], answer[3] = math.max(after + 1, math.min(up_to, next)), 0
      return answer
    end
  end
end
