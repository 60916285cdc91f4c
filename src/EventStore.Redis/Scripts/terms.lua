-- For scripts that write, search or clear the indexes of categories and tags. Such a term is a string of the ids of the log's entries that
-- hold an event of it, six bytes each, ascending. Entries that were removed since may still be named: what is not in the log is skipped.
local TERM, AT_ONCE = 6, 64

local function category_key(bucket, category) return base() .. 'category:' .. bucket .. '\0' .. category end

local function tag_key(bucket, tag) return base() .. 'tag:' .. bucket .. '\0' .. tag end

-- The parts of a stream's name: bucket, category, id.
local function parts_of(name) return string.match(name, '^([^%z]*)%z([^%z]*)%z(.*)$') end

-- How many entries a term names.
local function term_length(key)
  local length = ask('STRLEN', key)
  if length % TERM ~= 0 then damaged(key) end
  return length / TERM
end

local function ids_of(key, from, count)
  local text = ask('GETRANGE', key, from * TERM, (from + count) * TERM - 1)
  if #text % TERM ~= 0 then damaged(key) end
  return text
end

-- The place of the first id of a term that is above a checkpoint, from 0.
local function place_above(key, length, checkpoint)
  if length == 0 or packed(ids_of(key, length - 1, 1), key) <= checkpoint then return length end
  local low, high = 0, length - 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if packed(ids_of(key, middle, 1), key) > checkpoint then high = middle else low = middle + 1 end
  end
  return low
end

-- Walks the events of an entry until one is found: calls with checkpoint, revision, type and a table of tags (nil for none).
local function find_event(value, first, revision, count, visit)
  local at, size, tags = events_at(value)
  for i = 0, count - 1 do
    local type, next, amount = struct.unpack('>I2c0', value, at + 16)
    amount, at = struct.unpack('>I2', value, next)
    tags = nil
    for _ = 1, amount do
      tags = tags or {}
      local tag
      tag, at = struct.unpack('>I2c0', value, at)
      tags[tag] = true
    end
    if visit(first + i, revision + i, type, tags) then return first + i end
    size = struct.unpack('>I4', value, at) + struct.unpack('>I4', value, at + 4)
    at = at + 8 + size
  end
end

-- Criteria as the engine sends them; then where what follows begins.
local function parse_criteria(text, at)
  local criteria, amount, flags, some = {}
  amount, at = struct.unpack('>I1', text, at)
  for i = 1, amount do
    local criterion = { tags = {} }
    flags, at = struct.unpack('>I1', text, at)
    criterion.bucket, at = struct.unpack('>I2c0', text, at)
    if flags % 2 == 1 then criterion.category, at = struct.unpack('>I2c0', text, at) end
    if flags % 4 >= 2 then criterion.id, at = struct.unpack('>I2c0', text, at) end
    if flags % 8 >= 4 then
      criterion.types = {}
      some, at = struct.unpack('>I4', text, at)
      for _ = 1, some do
        local type
        type, at = struct.unpack('>I2c0', text, at)
        criterion.types[type] = true
      end
    end
    some, at = struct.unpack('>I1', text, at)
    for j = 1, some do criterion.tags[j], at = struct.unpack('>I2c0', text, at) end
    criteria[i] = criterion
  end
  return criteria, at
end

-- The term of a criterion that names the fewest entries above a checkpoint: its key, the first of those, and how many ids it has.
local function rarest(criterion, after)
  local best, best_low, best_length
  local function consider(key)
    local length = term_length(key)
    local low = place_above(key, length, after)
    if not best or length - low < best_length - best_low then best, best_low, best_length = key, low, length end
  end
  for i = 1, #criterion.tags do consider(tag_key(criterion.bucket, criterion.tags[i])) end
  if criterion.category then consider(category_key(criterion.bucket, criterion.category)) end
  return best, best_low, best_length
end

local function is_match(criterion, bucket, category, id, type, tags)
  if bucket ~= criterion.bucket or (criterion.category and category ~= criterion.category) or (criterion.id and id ~= criterion.id)
    or (criterion.types and not criterion.types[type]) then
    return false
  end
  for i = 1, #criterion.tags do
    if not tags or not tags[criterion.tags[i]] then return false end
  end
  return true
end

-- The first stored event above a checkpoint that one of some criteria matches; nil for none.
local function first_match(criteria, after, marks, log)
  local best
  for i = 1, #criteria do
    local criterion = criteria[i]
    local key, low, length = rarest(criterion, after)
    local before, is_over = after, false
    while low < length and not is_over do
      local text = ids_of(key, low, math.min(AT_ONCE, length - low))
      for at = 1, #text, TERM do
        local id = struct.unpack('>I6', text, at)
        if id <= before or id > newest_checkpoint then damaged(key) end
        before = id
        local found = ask('XRANGE', log, id, id)[1]
        if found then
          local value, first, revision, count = entry(found, log)
          if best and first >= best then is_over = true break end
          local name = name_of(value)
          if not (marks and is_removed(marks, name, id)) then
            local lowest = state_of(name)
            local bucket, category, stream = parts_of(name)
            local match = find_event(value, first, revision, count, function(checkpoint, at_revision, type, tags)
              return checkpoint > after and at_revision >= lowest and is_match(criterion, bucket, category, stream, type, tags)
            end)
            if match and (not best or match < best) then best = match end
            if match then is_over = true break end
          end
        end
      end
      low = low + #text / TERM
    end
  end
  return best
end

-- The terms of the events of an entry, each once.
local function terms_of(value, first, revision, count)
  local bucket, category = parts_of(name_of(value))
  local terms, known = { category_key(bucket, category) }, {}
  find_event(value, first, revision, count, function(_, _, _, tags)
    for tag in pairs(tags or {}) do
      if not known[tag] then
        known[tag] = true
        terms[#terms + 1] = tag_key(bucket, tag)
      end
    end
  end)
  return terms
end

-- Takes the ids from the beginning of a term whose entries are gone, where they are at least half of it or many.
local function trim(key, log)
  local MANY = 2000
  local length, missing, before = term_length(key), 0, 0
  while missing < length and missing < MANY do
    local text, is_kept = ids_of(key, missing, math.min(AT_ONCE, length - missing)), false
    for at = 1, #text, TERM do
      local id = struct.unpack('>I6', text, at)
      if id <= before then damaged(key) end
      before = id
      if ask('XRANGE', log, id, id)[1] then is_kept = true break end
      missing = missing + 1
    end
    if is_kept then break end
  end
  if missing == 0 then return end
  if missing == length then
    write('UNLINK', key)
  elseif missing * 2 >= length or missing >= MANY then
    write('SET', key, ask('GETRANGE', key, missing * TERM, -1))
  end
end
