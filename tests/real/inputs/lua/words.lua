-- SPDX-License-Identifier: MIT
-- How often each word is in a text, in order.
local text = [[the quick brown fox jumps over the lazy dog while the other dog
sleeps and the fox, quick as it is, jumps over the fence and over the dog]]
local counts, words = {}, {}
for word in text:gmatch("%a+") do
	if not counts[word] then
		words[#words + 1] = word
	end
	counts[word] = (counts[word] or 0) + 1
end
table.sort(words, function(a, b)
	if counts[a] ~= counts[b] then
		return counts[a] > counts[b]
	end
	return a < b
end)
for i, word in ipairs(words) do
	print(i, word, counts[word], utf8.char(0x3b1 + i))
end
