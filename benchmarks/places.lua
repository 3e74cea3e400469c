-- Has wrk ask the paths of a file, one after the other: wrk -s places.lua URL -- FILE
local requests = {}
local asked = 0

function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
end

function request()
  asked = asked % #requests + 1
  return requests[asked]
end
