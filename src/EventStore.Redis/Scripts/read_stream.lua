-- A page of one stream: the entries that hold a range of revisions, until enough events or bytes are gathered.
-- KEYS meta log index. ARGV name, from, to, 1 for backward, most events, most bytes.
-- Returns the newest checkpoint, the stream's state, whether the range ended, and the entries.
local checkpoint, _, marks = open()
if not checkpoint then return GONE end
local revision, _, born_at = head(KEYS[3], marks, ARGV[1])
if not revision then return { checkpoint, NO_STREAM, 1 } end
local lowest, is_sealed = state_of(ARGV[1])
local from, to, backward = math.max(tonumber(ARGV[2]), lowest), math.min(tonumber(ARGV[3]), revision), ARGV[4] == '1'
local max_events, max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local answer = { checkpoint, pack_state(born_at, revision, lowest, is_sealed), 1 }
if from > to then return answer end

local RECORDS = 64 -- of the index, read at once
local events, bytes, expected = 0, 0, backward and to or from
local at, is_first = find_record(KEYS[3], expected), true
while at >= 0 do
  local start = backward and math.max(0, at - RECORDS + 1) or at
  local text = ask('GETRANGE', KEYS[3], start * RECORD, (backward and at or at + RECORDS - 1) * RECORD + RECORD - 1)
  local count = math.floor(#text / RECORD)
  if count == 0 then damaged(KEYS[3]) end
  for i = 0, count - 1 do
    local last, id, birth, sequence = record(text, (backward and count - 1 - i or i) * RECORD + 1, KEYS[3])
    local found = ask('XRANGE', KEYS[2], id, id)[1]
    if not found then return { err = 'ENTRYGONE ' .. string.format('%.0f', id) } end
    local value, _, first, size, born, placed = entry(found, KEYS[2])
    -- The index and the log must agree, and nothing may be missing between two entries: so every turn gathers an event at least.
    if first + size - 1 ~= last or born ~= birth or placed ~= sequence or name_of(value) ~= ARGV[1] or expected < first
      or expected > last or (not is_first and expected ~= (backward and last or first)) then
      damaged(KEYS[3])
    end
    expected, is_first = backward and first - 1 or last + 1, false
    answer[#answer + 1] = value
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
damaged(KEYS[3])
