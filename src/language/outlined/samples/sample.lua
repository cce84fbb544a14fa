local json = require("json")

-- What a shop sells.
local M = {}
local LIMIT = 10

--- Adds a line.
function M.add(line, count)
  if line == nil then
    return nil
  elseif count > LIMIT then
    for i = 1, count do
      while i > 0 do
        i = i - 1
      end
    end
  else
    for key, value in pairs(M) do
      print(key, value)
    end
  end
  return line
end

function M:remove(line)
  self.lines[line] = nil
end

local function helper(value)
  return value or ""
end

M.size = function(self) return #self end

local handlers = {
  open = function() end,
}

return M
