-- A page of the store in the order of checkpoints: the entries of a range whose streams are asked for, until enough events or bytes are
-- gathered or enough entries were examined.
-- KEYS meta log. ARGV the range, then bucket, category, id; false is said by a leading 0. Returns a page.
local AT_ONCE = 16 -- entries asked of the log together, so that large ones do not fill the server's memory
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local function asked(i) return string.sub(ARGV[i], 1, 1) == '1' and string.sub(ARGV[i], 2) end
local bucket, category, id = asked(7), asked(8), asked(9)

-- A name is bucket \0 category \0 id, and none of the three holds a \0.
local function is_wanted(name)
  return (not bucket or string.sub(name, 1, #bucket + 1) == bucket .. '\0')
    and (not category or string.find(name, '\0' .. category .. '\0', 1, true))
    and (not id or string.sub(name, -#id - 1) == '\0' .. id)
end

local range = asked_range()
local after, up_to = range.after, range.up_to
local take, finish = begin_page(range, marks, (bucket or category or id) and is_wanted)
if after >= up_to then return finish() end
if not range.is_backward then
  local from = after + 1
  while true do
    local found = ask('XRANGE', KEYS[2], from, '+', 'COUNT', AT_ONCE)
    for i = 1, #found do
      local value, first, revision, count = entry(found[i], KEYS[2])
      if first > up_to or not take(value, first, count, revision) then return finish() end
      from = first + count
    end
    if #found < AT_ONCE or from > up_to then return finish() end
  end
end

-- The entry that holds the upper end may reach beyond it.
local to = up_to - 1
local highest = ask('XRANGE', KEYS[2], up_to, '+', 'COUNT', 1)[1]
if highest then
  local value, first, revision, count = entry(highest, KEYS[2])
  if first <= up_to and not take(value, first, count, revision) then return finish() end
end
while to > after do
  local found = ask('XREVRANGE', KEYS[2], to, after + 1, 'COUNT', AT_ONCE)
  for i = 1, #found do
    local value, first, revision, count = entry(found[i], KEYS[2])
    if not take(value, first, count, revision) then return finish() end
    to = first - 1
  end
  if #found < AT_ONCE then return finish() end
end
return finish()
