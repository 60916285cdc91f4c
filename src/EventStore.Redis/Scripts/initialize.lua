-- Opens a store, or makes one. KEYS meta log ids names. ARGV schema version, first stamp, 1 if it may be made.
-- Returns the newest checkpoint, a word for what was found, and a detail of it.
local kind = ask('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then return { 0, 'damaged', KEYS[1] } end
local schema = ask('HGET', KEYS[1], 'schema')
if not schema then
  for i = 1, #KEYS do
    if ask('EXISTS', KEYS[i]) == 1 then return { 0, 'damaged', KEYS[i] } end
  end
  if ARGV[3] ~= '1' then return { 0, 'missing' } end
  write('HSET', KEYS[1], 'schema', ARGV[1], 'checkpoint', 0, 'stamp', ARGV[2], 'document', 0, 'removed', 0,
    'states', 0, 'gone', 0, 'holder', '')
  return { 0, 'made', 0 }
end
if schema ~= ARGV[1] then return { 0, 'unknown', schema } end

local checkpoint, _, marks = open()
if not checkpoint then return { 0, 'damaged', KEYS[1] } end
local types = { 'stream', 'hash', 'zset' }
for i = 2, 4 do
  local type = ask('TYPE', KEYS[i]).ok
  if type ~= types[i - 1] and not (type == 'none' and checkpoint == 0) and not (type == 'none' and i > 2) then
    return { 0, 'damaged', KEYS[i] }
  end
end

-- A key that expires takes part of the store with it.
for _, part in ipairs({ 'meta', 'log', 'ids', 'names', 'newest', 'documents', 'titles', 'removed', 'graves', 'states', 'cuts' }) do
  if ask('PTTL', base() .. part) >= 0 then return { 0, 'expiring', base() .. part } end
end

-- Numbers are never given out twice: the log must not be ahead of the counter.
local newest = ask('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local first, size, _ = 0, 0
if newest then _, first, _, size = entry(newest, KEYS[2]) end
if first + size - 1 > checkpoint then return { 0, 'damaged', KEYS[1] } end
local count = 0
for _ in pairs(marks or {}) do count = count + 1 end
count = count + ask('LLEN', base() .. 'cuts')
return { checkpoint, 'found', count }
