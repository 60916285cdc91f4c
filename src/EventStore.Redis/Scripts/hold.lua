-- Holds the store for an import, ends the hold, or passes over checkpoints. KEYS meta log. ARGV what to do, the holder, up to which
-- checkpoint.
-- Returns the newest checkpoint, and what was found: ok, held (and by whom), or free where it must be held.
local checkpoint = open()
if not checkpoint then return GONE end
if holder ~= '' and holder ~= ARGV[2] then return { checkpoint, 'held', holder } end
if ARGV[1] == 'hold' then
  write('HSET', KEYS[1], 'holder', ARGV[2])
elseif ARGV[1] == 'release' then
  write('HSET', KEYS[1], 'holder', '')
elseif holder == '' then
  return { checkpoint, 'free' }
elseif tonumber(ARGV[3]) > checkpoint then
  checkpoint = tonumber(ARGV[3])
  -- The log is there from now on, and gives out higher numbers only.
  write('XADD', KEYS[2], string.format('%.0f', checkpoint), 'c', '')
  write('XDEL', KEYS[2], string.format('%.0f', checkpoint))
  write('HSET', KEYS[1], 'checkpoint', string.format('%.0f', checkpoint))
end
return { checkpoint, 'ok' }
