-- Keeps the newest snapshots of a stream. KEYS meta index newest snapshots. ARGV name, how many to keep.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
if head(KEYS[2], marks, ARGV[1]) then
  ask('HEXISTS', KEYS[3], ARGV[1])
  write('ZREMRANGEBYRANK', KEYS[4], 0, -tonumber(ARGV[2]) - 1)
  if ARGV[2] == '0' then write('HDEL', KEYS[3], ARGV[1]) end
end
return { checkpoint }
