-- For scripts that return a page of the store. Begins an answer: the newest checkpoint, how far the page looked unless the range ended,
-- whether it did, where entries begin in a truncated stream, and the entries. The second result looks at one entry, and returns false where
-- the page ends before the range does. `is_wanted` says of a name whether its entries are asked for.
local function begin_page(range, marks, is_wanted)
  local answer, cuts, lowest = { newest_checkpoint, 0, 1, '' }, {}, {}
  local events, bytes, entries = 0, 0, 0

  local function add(value, first, last, revision)
    local name = (marks or has_states or is_wanted) and name_of(value)
    if name then
      if (is_wanted and not is_wanted(name)) or (marks and is_removed(marks, name, last)) then return end
      lowest[name] = lowest[name] or state_of(name)
      if revision + last - first < lowest[name] then return end
      if revision < lowest[name] then cuts[#cuts + 1] = struct.pack('>I4I6', #answer - 4, lowest[name]) end
    end
    answer[#answer + 1] = value
    bytes = bytes + #value
    events = events + math.min(last, range.up_to) - math.max(first, range.after + 1) + 1
  end

  local function take(value, first, count, revision)
    local last = first + count - 1
    add(value, first, last, revision)
    entries = entries + 1
    if events < range.max_events and bytes < range.max_bytes and entries < range.max_entries then return true end
    if range.is_backward then
      answer[2] = math.max(first, range.after + 1)
      answer[3] = answer[2] == range.after + 1 and 1 or 0
    else
      answer[2] = math.min(last, range.up_to)
      answer[3] = answer[2] == range.up_to and 1 or 0
    end
    return false
  end

  local function finish()
    answer[4] = table.concat(cuts)
    return answer
  end

  return take, finish
end

-- The range of a page, from ARGV: after, up to, 1 for backward, most events, most bytes, most entries.
local function asked_range()
  return {
    after = tonumber(ARGV[1]), up_to = math.min(tonumber(ARGV[2]), newest_checkpoint), is_backward = ARGV[3] == '1',
    max_events = tonumber(ARGV[4]), max_bytes = tonumber(ARGV[5]), max_entries = tonumber(ARGV[6]),
  }
end
