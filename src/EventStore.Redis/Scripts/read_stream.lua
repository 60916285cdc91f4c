-- A page of one stream: the entries that hold a range of revisions, until enough events or bytes are gathered.
-- KEYS meta log index. ARGV name, from, to, 1 for backward, most events, most bytes.
-- Returns the newest checkpoint, the stream's revision, whether the range ended, and the entries.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision = head(KEYS[3], marks, ARGV[1]) or 0
local from, to, backward = tonumber(ARGV[2]), math.min(tonumber(ARGV[3]), revision), ARGV[4] == '1'
local max_events, max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local answer = { checkpoint, revision, 1 }
if from > to then return answer end

local RECORDS = 64 -- of the index, read at once
local events, bytes, at = 0, 0, find_record(KEYS[3], backward and to or from)
while true do
  local start = backward and math.max(0, at - RECORDS + 1) or at
  local text = redis.call('GETRANGE', KEYS[3], start * RECORD, (backward and at or at + RECORDS - 1) * RECORD + RECORD - 1)
  local count = #text / RECORD
  for i = 0, count - 1 do
    local last, entry = record(text, (backward and count - 1 - i or i) * RECORD + 1)
    local found = redis.call('XRANGE', KEYS[2], entry, entry)[1]
    if not found then return { err = 'ENTRYGONE ' .. string.format('%.0f', entry) } end
    local value = found[2][2]
    answer[#answer + 1] = value
    local _, first, size = place(value)
    bytes = bytes + #value
    events = events + math.min(last, to) - math.max(first, from) + 1
    if backward and first <= from or not backward and last >= to then return answer end
    if events >= max_events or bytes >= max_bytes then
      answer[3] = 0
      return answer
    end
  end
  at = backward and start - 1 or at + count
end
