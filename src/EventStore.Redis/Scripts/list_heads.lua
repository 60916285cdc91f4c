-- Heads in the order of their names. KEYS meta names newest. ARGV lower end, upper end, most heads, least events since the snapshot, most
-- names.
-- Returns the newest checkpoint, the name to go on after (or false), then for each head: name, state, commit sequence, snapshot's revision.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local limit, least, budget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local names = ask('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, budget)
local answer = { checkpoint, #names == budget and names[budget] or false }
for i = 1, #names do
  local name = names[i]
  if #name > MOST_NAME then damaged(KEYS[2]) end
  local revision, last, birth, sequence = head(base() .. 'stream:' .. name, marks, name)
  if revision then
    local newest = newest_snapshot(KEYS[3], name, revision)
    if revision - newest >= least then
      local first, is_sealed = state_of(name)
      for _, part in ipairs({ name, pack_state(birth, revision, first, is_sealed), sequence, newest }) do answer[#answer + 1] = part end
      if (#answer - 2) / 4 == limit then return answer end
    end
  elseif not last then
    return { err = 'INDEXGONE a stream is listed, but its index is not there' }
  end
end
return answer
