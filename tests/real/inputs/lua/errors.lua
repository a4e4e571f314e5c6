-- SPDX-License-Identifier: MIT
-- Errors that are caught, and one that is not.
print(pcall(error, "caught"))
print(select(2, pcall(function() return nil + 1 end)))
print(select(2, pcall(string.rep, "x", 1 << 40)))
print(select(2, xpcall(function() local t = setmetatable({}, {
	__index = function(_, name) error("no " .. name, 2) end,
}) return t.field end, function(text) return "handled: " .. text end)))
local function deep(n) return 1 + deep(n + 1) end
print((select(2, pcall(deep, 1)):match("^[^\n]*overflow")))
print(pcall(load, "return 1 +", "=piece"))
print(load("return 1 +", "=piece"))
print(string.format("%q %5.2f %x %s", "a\n\0b", 2 / 3, 255, true))
print(math.pi, 1e308 * 10, -0.0, 7 // 2, -7 % 3, 2 ^ 0.5, 1 << 62)
print(("key=value; other = 12"):gsub("(%w+)%s*=%s*(%w+)", "%2=%1"))
error({}) -- no text
