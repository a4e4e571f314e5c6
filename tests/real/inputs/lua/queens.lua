-- SPDX-License-Identifier: MIT
-- Six queens on a board.
local function queens(size, row, columns)
	if row > size then
		found(table.concat(columns, " "))
		return
	end
	for column = 1, size do
		local free = true
		for above = 1, row - 1 do
			local at = columns[above]
			free = free and at ~= column and
				math.abs(at - column) ~= row - above
		end
		if free then
			columns[row] = column
			queens(size, row + 1, columns)
			columns[row] = nil
		end
	end
end
local count = 0
function found(text)
	count = count + 1
	if count <= 5 then
		print(count, text)
	end
end
queens(6, 1, {})
print(("%d solutions"):format(count))
