-- Load for wrk: every request has its own key and its own delivery id, so that nothing is a duplicate.
local counter = 0
local run = os.time() % 100000

request = function()
  counter = counter + 1
  local host = "w" .. run .. "x" .. counter
  local body = '{"NOTIFICATIONTYPE":"PROBLEM","HOSTNAME":"' .. host .. '","HOSTSTATE":"DOWN","HOSTADDRESS":"192.0.2.1",' ..
    '"HOSTOUTPUT":"PING CRITICAL - Packet loss = 100%","HOSTGROUPNAMES":"web","TIMET":"' .. os.time() .. '"}'
  return wrk.format("POST", nil, {["Content-Type"] = "application/json", ["Idempotency-Key"] = host}, body)
end

done = function(summary, latency, requests)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("ok_per_second %.1f\n", (summary.requests - errors) / (summary.duration / 1e6)))
  io.write(string.format("errors %d\np99_ms %.1f\n", errors, latency:percentile(99) / 1000))
end
