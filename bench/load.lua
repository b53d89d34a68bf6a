-- Load for wrk: requests made and signed beforehand (bench/requests.py), one a line of the file that LOAD names:
-- its headers as name=value, then its body, divided by tabs. Each has its own key and its own delivery id.
local requests, counter = {}, 0

init = function()
  for line in io.lines(os.getenv("LOAD")) do
    local headers, body = {["Content-Type"] = "application/json"}, nil
    for part in line:gmatch("[^\t]+") do
      local name, value = part:match("^([%w-]+)=(.*)$")
      if name then headers[name] = value else body = part end
    end
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

request = function()
  counter = counter % #requests + 1
  return requests[counter]
end

done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("ok_per_second %.1f\n", (summary.requests - failed) / (summary.duration / 1e6)))
  io.write(string.format("answered %d\np99_ms %.1f\n", summary.requests - failed, latency:percentile(99) / 1000))
end
