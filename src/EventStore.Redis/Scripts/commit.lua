-- Stores attempts: decides each against those before it, gives out checkpoints, appends. One script run is the section in which checkpoints
-- are given out and become visible, so no reader ever meets a gap that fills later.
-- KEYS meta log ids names, then the index of the stream of each commit, in the order of the attempts and their members.
-- ARGV channel, newest checkpoint the caller knows of, stamp, holder, then for each attempt a plan and the bodies of its chunks. A plan:
--   1 flags: 1 for a stamp of its own, 2 for a condition · 18 stamp · 4 members, for each: 6 expected revision, 6 expected incarnation,
--   16 commit id, 4 chunks, for each: 4 events, 4 tags (2 + n each) · of a condition 6 after, then the criteria
-- Returns the newest checkpoint, 'done', the outcomes, and for each duplicate one value a member: the first entry of its commit or the head
-- of it, nothing where that is damaged or gone, '-' where there is none. Or 'held', and by whom. An outcome:
--   S 18 stamp, 6 first checkpoint of the attempt, for each member: 6 first checkpoint, 6 first revision, 6 sequence · D · L or C 4 member,
--   19 state (sealed, conflict) · N or O 6 checkpoint (condition not met, outdated)
local MAX_RECORDS, MAX_TERMS = 20000000, 80000000 -- what an index and a term hold in the 512 MB of a string
local LOG, IDS, NAMES = KEYS[2], KEYS[3], KEYS[4]
local checkpoint, stamp, marks = open()
if not checkpoint then return GONE end
if checkpoint < tonumber(ARGV[2]) then return { checkpoint, stamp } end
if holder ~= '' and holder ~= ARGV[4] then return { checkpoint, 'held', holder } end

-- Every head is read, and every key that is written is looked at, before anything is written. The ids and the log are the first that are.
local prefix = #base() + 8
local heads, lengths, waiting = {}, {}, {}

local function stream_of(key)
  if heads[key] then return heads[key] end
  local name = string.sub(key, prefix)
  local revision, last, birth, sequence, records = head(key, marks, name)
  local stream = {
    key = key, name = name, revision = revision or 0, last = last, birth = birth or 0, sequence = sequence or 0, first = 1, swept = 0,
  }
  if revision then stream.first, stream.is_sealed, stream.swept = state_of(name) else ask('ZCARD', NAMES) end
  if last and not revision then require_burial(name) end
  if records and records + #ARGV > MAX_RECORDS then fail('STREAMFULL a stream has more commits than an index holds') end
  local bucket, category = parts_of(name)
  stream.bucket, stream.terms = bucket, { category_key(bucket, category) }
  heads[key] = stream
  return stream
end

local function require_term(key)
  if not lengths[key] then
    lengths[key] = term_length(key)
    if lengths[key] + #ARGV > MAX_TERMS then fail('TERMFULL a category or tag has more commits than an index holds') end
  end
  return key
end

-- Reads the plan of an attempt, whose bodies begin at a place of ARGV.
local member_at, at_argument, events = 5, 5, 0
local function read_plan()
  local plan, at, attempt, flags, amount = ARGV[at_argument], 1, { members = {} }
  at_argument = at_argument + 1
  flags, at = struct.unpack('>I1', plan, at)
  if flags % 2 == 1 then attempt.stamp, at = struct.unpack('c18', plan, at) end
  amount, at = struct.unpack('>I4', plan, at)
  for i = 1, amount do
    local member, chunks = { stream = stream_of(KEYS[member_at]), chunks = {} }
    member_at = member_at + 1
    member.expected, member.incarnation, member.id, chunks, at = struct.unpack('>I6I6c16I4', plan, at)
    require_term(member.stream.terms[1])
    for j = 1, chunks do
      local chunk, tags, tag = { body = at_argument, terms = {} }
      at_argument = at_argument + 1
      chunk.count, tags, at = struct.unpack('>I4I4', plan, at)
      events = events + chunk.count
      for k = 1, tags do
        tag, at = struct.unpack('>I2c0', plan, at)
        chunk.terms[k] = require_term(tag_key(member.stream.bucket, tag))
      end
      member.chunks[j] = chunk
    end
    attempt.members[i] = member
  end
  if flags >= 2 then
    attempt.after, at = struct.unpack('>I6', plan, at)
    attempt.criteria = parse_criteria(plan, at)
    if has_states then ask('HLEN', base() .. 'states') end
  end
  return attempt
end

local attempts = {}
while at_argument <= #ARGV do attempts[#attempts + 1] = read_plan() end

-- Nothing is written that gets a number which no store reaches: it could not be read.
if checkpoint + events > MAX_NUMBER then damaged(KEYS[1]) end

-- Terms are written together, before a condition is decided and at the end.
local function write_terms()
  newest_checkpoint = checkpoint
  for key, ids in pairs(waiting) do write('APPEND', key, table.concat(ids)) end
  waiting = {}
end

local function add_to_term(key, id)
  local ids = waiting[key]
  if ids then ids[#ids + 1] = id else waiting[key] = { id } end
end

-- The first entry of a commit that is stored; nothing where that is damaged or gone.
local function original_of(id, name, wanted)
  local found = #id <= 15 and string.find(id, '^%d+$') and ask('XRANGE', LOG, id, id)[1]
  if not found then return '' end
  local is_sound, value = pcall(entry, found, LOG)
  return is_sound and commit_id(value) == wanted and name_of(value) == name and value or ''
end

-- What is known of a commit id in a stream; nil for none.
local function find_known(stream, id)
  if stream.revision == 0 then return nil end
  local noted = ask('HGET', IDS, struct.pack('>I6', stream.birth) .. id)
  if noted then return original_of(noted, stream.name, id) end
  return stream.first > 1 and ask('HGET', base() .. 'truncated:' .. stream.name, id) or nil
end

local outcomes, originals, known_now = {}, {}, false

-- A known id, a seal, an expectation, a condition, in this order; nil where the attempt is to be stored.
local function refuse(attempt)
  local members, known, is_known = attempt.members, {}, false
  for i = 1, #members do
    known[i] = find_known(members[i].stream, members[i].id)
    is_known = is_known or known[i] ~= nil
  end
  if is_known then
    for i = 1, #members do originals[#originals + 1] = known[i] or '-' end
    return 'D'
  end
  for i = 1, #members do
    local stream = members[i].stream
    if stream.is_sealed then
      return 'L' .. struct.pack('>I4', i - 1) .. pack_state(stream.birth, stream.revision, stream.first, true)
    end
  end
  for i = 1, #members do
    local stream = members[i].stream
    if not is_met(members[i].expected, members[i].incarnation, stream.revision, stream.birth) then
      local state = stream.revision == 0 and NO_STREAM or pack_state(stream.birth, stream.revision, stream.first, false)
      return 'C' .. struct.pack('>I4', i - 1) .. state
    end
  end
  if not attempt.criteria then return nil end
  if attempt.after ~= 0 and attempt.after < gone then return 'O' .. struct.pack('>I6', gone) end
  write_terms()
  local found = first_match(attempt.criteria, attempt.after, marks, LOG)
  return found and 'N' .. struct.pack('>I6', found) or nil
end

local function append(member, unit, own_stamp)
  local stream = member.stream
  local birth = stream.revision > 0 and stream.birth or checkpoint + 1
  local id = struct.pack('>I6', birth) .. member.id
  stream.sequence = stream.sequence + 1
  local header = struct.pack('>I6I6I6I6I6', checkpoint + 1, stream.revision + 1, stream.sequence, birth, unit) .. own_stamp
  -- Noting the id is the first thing that is written.
  ask('HSET', IDS, id, string.format('%.0f', checkpoint + member.chunks[1].count))
  for i = 1, #member.chunks do
    local chunk, is_new = member.chunks[i], stream.revision == 0
    checkpoint, stream.revision = checkpoint + chunk.count, stream.revision + chunk.count
    local added = redis.pcall('XADD', LOG, string.format('%.0f', checkpoint), 'c', header .. ARGV[chunk.body])
    if type(added) == 'table' and added.err then
      -- A log that takes no entry is no log, or has given out the number. The id that was just noted is all that was written.
      if not has_begun then ask('HDEL', IDS, id) end
      damaged(LOG)
    end
    has_begun = true
    if is_new then
      if stream.last then bury(stream.name, stream.last) end
      write('ZADD', NAMES, 0, stream.name)
      stream.first, stream.is_sealed = 1, false
    end
    stream.birth, stream.last = birth, nil
    write('APPEND', stream.key, struct.pack('>I6I6I6I6', stream.revision, checkpoint, birth, stream.sequence))
    local place = struct.pack('>I6', checkpoint)
    add_to_term(stream.terms[1], place)
    for k = 1, #chunk.terms do add_to_term(chunk.terms[k], place) end
  end
  return string.sub(header, 1, 18)
end

local first = checkpoint
for i = 1, #attempts do
  local attempt = attempts[i]
  local refused = refuse(attempt)
  if refused then
    outcomes[#outcomes + 1] = refused
    known_now = known_now or refused == 'D'
  else
    local own = attempt.stamp or ARGV[3]
    if own > stamp then stamp = own end
    local unit = checkpoint + 1
    outcomes[#outcomes + 1] = 'S' .. stamp .. struct.pack('>I6', unit)
    for j = 1, #attempt.members do outcomes[#outcomes + 1] = append(attempt.members[j], unit, stamp) end
  end
end
write_terms()

-- Written for a duplicate, too: who waits for replicas then waits for what came before this run.
if checkpoint > first or known_now then
  write('HSET', KEYS[1], 'checkpoint', string.format('%.0f', checkpoint), 'stamp', stamp)
end
if checkpoint > first then write('PUBLISH', ARGV[1], string.format('%.0f', checkpoint)) end
return { checkpoint, 'done', table.concat(outcomes), unpack(originals) }
