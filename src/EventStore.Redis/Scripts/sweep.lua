-- One step of clearing away what is marked as removed. May be stopped and continued by any process at any step.
-- KEYS meta log ids names removed graves cuts. ARGV how many entries or names to look at. Returns the newest checkpoint and how much is
-- left.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local budget, removed, graves, cuts = tonumber(ARGV[1]), KEYS[5], KEYS[6], KEYS[7]
local touched = {} -- terms whose entries were taken away

-- Takes an entry from the log; its terms are trimmed at the end.
local function clear(id, value, first_checkpoint, revision, count)
  for _, term in ipairs(terms_of(value, first_checkpoint, revision, count)) do touched[term] = true end
  write('XDEL', KEYS[2], id)
  budget = budget - math.floor(#value / 65536)
end

-- Takes away the entries of the log and the commit ids that the index in a grave names, from its beginning; meta keeps how far that is.
local function sweep_grave(grave)
  local key, done = base() .. 'grave:' .. grave, number(ask('HGET', KEYS[1], 'swept') or '0', KEYS[1])
  local text = ask('GETRANGE', key, done * RECORD, (done + budget) * RECORD - 1)
  local count = #text / RECORD
  if count == 0 or count % 1 ~= 0 then damaged(key) end
  for i = 0, count - 1 do
    local last, id, birth = record(text, i * RECORD + 1, key)
    local found = ask('XRANGE', KEYS[2], id, id)[1]
    if found then
      local value, place, first, size, born = entry(found, KEYS[2])
      -- What is not this stream's stays.
      if born ~= birth or first + size - 1 ~= last then damaged(key) end
      write('HDEL', KEYS[3], struct.pack('>I6', birth) .. commit_id(value))
      clear(id, value, place, first, size)
    end
    budget, done = budget - 1, done + 1
    if budget <= 0 then break end
  end
  if done * RECORD < ask('STRLEN', key) then return write('HSET', KEYS[1], 'swept', done) end
  write('HDEL', KEYS[1], 'swept')
  write('LPOP', graves)
  write('UNLINK', key)
end

-- Takes away the entries of a truncated stream below its first revision, from where its state says. Of each commit the head of its first
-- entry is kept, so that its id stays known. The last record of the index stays, as the head.
local function sweep_cut(name)
  local key = base() .. 'stream:' .. name
  local revision, _, born_at, _, records = head(key, marks, name)
  if not revision then return write('LPOP', cuts) end
  local lowest, is_sealed, swept = state_of(name)
  ask('HLEN', base() .. 'truncated:' .. name)
  local is_over = false
  while budget > 0 and not is_over do
    local text = ask('GETRANGE', key, swept * RECORD, (swept + AT_ONCE) * RECORD - 1)
    local count = math.floor(#text / RECORD)
    is_over = count == 0
    for i = 0, count - 1 do
      local last, id, birth = record(text, i * RECORD + 1, key)
      if last >= lowest then is_over = true break end
      local found = ask('XRANGE', KEYS[2], id, id)[1]
      if found then
        local value, place, first, size, born = entry(found, KEYS[2])
        if born ~= birth or born ~= born_at or first + size - 1 ~= last then damaged(key) end
        if (struct.unpack('>I4', value, HEADER + 13)) == 0 then
          write('HSET', base() .. 'truncated:' .. name, commit_id(value), string.sub(value, 1, events_at(value) - 1))
          write('HDEL', KEYS[3], struct.pack('>I6', birth) .. commit_id(value))
        end
        clear(id, value, place, first, size)
      end
      budget, swept = budget - 1, swept + 1
      if budget <= 0 then break end
    end
  end
  -- Rewriting the index costs its length, so it waits until half of it can go.
  local drop = math.min(swept, records - 1)
  if is_over and drop > 0 and drop * 2 >= records then
    write('SET', key, ask('GETRANGE', key, drop * RECORD, -1))
    swept = swept - drop
  end
  keep_state(name, lowest, is_sealed, swept)
  if is_over then write('LPOP', cuts) end
end

-- The streams below a mark, from its cursor on; those created since are left alone. Returns false when there are no more.
local function sweep_names(mark, value)
  local up_to, cursor = packed(value, removed), string.sub(value, 7)
  local from = cursor ~= '' and '(' .. cursor or '[' .. mark
  local names = ask('ZRANGEBYLEX', KEYS[4], from, mark == '' and '+' or '(' .. mark .. '\255', 'LIMIT', 0, math.max(1, budget))
  for i = 1, #names do
    -- An empty cursor is the beginning: behind a name that is empty the walk would begin again, for ever.
    if names[i] == '' then damaged(KEYS[4]) end
    local revision, last = head(base() .. 'stream:' .. names[i], marks, names[i])
    if not revision and last then
      require_burial(names[i])
      bury(names[i], last)
    end
  end
  budget = budget - #names
  if #names == 0 then return false end
  write('HSET', removed, mark, struct.pack('>I6', up_to) .. names[#names])
  return true
end

while budget > 0 do
  local grave, cut = ask('LINDEX', graves, 0), ask('LINDEX', cuts, 0)
  if grave then
    sweep_grave(grave)
  elseif cut then
    sweep_cut(cut)
    budget = budget - 1
  else
    local all = ask('HGETALL', removed)
    if #all == 0 then break end
    -- A mark with two \0 is one stream's, which was buried when it was made.
    local _, zeros = string.gsub(all[1], '%z', '')
    if zeros == 2 or not sweep_names(all[1], all[2]) then write('HDEL', removed, all[1]) end
    budget = budget - 1
  end
end

for term in pairs(touched) do trim(term, KEYS[2]) end
local left = ask('HLEN', removed)
write('HSET', KEYS[1], 'removed', left)
return { checkpoint, left + ask('LLEN', cuts) }
