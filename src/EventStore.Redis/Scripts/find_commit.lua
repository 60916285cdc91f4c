-- KEYS meta log ids index. ARGV name, commit id, 1 if replicas are waited for: then what is found counts as a write, so that they are
-- waited for with all that came before. Returns the newest checkpoint and the first entry of the commit, or the head of it that is kept of
-- a truncated commit.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision, _, birth = head(KEYS[4], marks, ARGV[1])
if not revision then return { checkpoint } end
local value
local id = ask('HGET', KEYS[3], struct.pack('>I6', birth) .. ARGV[2])
if id then
  number(id, KEYS[3])
  local found = ask('XRANGE', KEYS[2], id, id)[1]
  if not found then return { err = 'ENTRYGONE ' .. id } end
  value = entry(found, KEYS[2])
  if commit_id(value) ~= ARGV[2] or name_of(value) ~= ARGV[1] then damaged(KEYS[3]) end
else
  value = (state_of(ARGV[1])) > 1 and ask('HGET', base() .. 'truncated:' .. ARGV[1], ARGV[2])
  if not value then return { checkpoint } end
  if #value > MOST_VALUE then damaged(base() .. 'truncated:' .. ARGV[1]) end
end
if ARGV[3] == '1' then write('HSET', KEYS[1], 'checkpoint', checkpoint) end
return { checkpoint, value }
