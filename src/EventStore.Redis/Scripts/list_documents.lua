-- Documents in the order of their names. KEYS meta documents titles. ARGV lower end, upper end, most documents, most bytes.
-- Returns the newest checkpoint, 1 if there may be more of them, then for each: name, document.
local checkpoint = open()
if not checkpoint then return GONE end
local names = ask('ZRANGEBYLEX', KEYS[3], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local answer, bytes = { checkpoint, 0 }, 0
for i = 1, #names do
  if #names[i] > MOST_NAME then damaged(KEYS[3]) end
  local found = document(KEYS[2], names[i])
  if not found then damaged(KEYS[2]) end
  answer[#answer + 1], answer[#answer + 2] = names[i], found
  bytes = bytes + #found
  if bytes >= tonumber(ARGV[4]) then
    answer[2] = i < #names and 1 or 0
    return answer
  end
end
return answer
