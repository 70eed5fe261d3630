-- What a wrk run leaves behind: $WRK_OUT.json (its own count of what happened) and $WRK_OUT.hgrm (latency in HdrHistogram's
-- text form, in microseconds), so that it can be laid beside ours.
local function percentiles()
   -- 7 ticks in each half of what is left, as HdrHistogram prints them; down to one in a million.
   local list, rest = {}, 1
   while rest > 1e-6 do
      for tick = 0, 6 do
         list[#list + 1] = 1 - rest + rest / 2 * tick / 7
      end
      rest = rest / 2
   end
   return list
end

function done(summary, latency, requests)
   local file = assert(io.open(os.getenv("WRK_OUT") .. ".hgrm", "w"))
   file:write("       Value     Percentile TotalCount 1/(1-Percentile)\n\n")
   local total = summary.requests
   for _, p in ipairs(percentiles()) do
      local value = p == 0 and latency.min or latency:percentile(p * 100)
      file:write(string.format("%12.3f %14.12f %10d %14.2f\n", value, p, math.floor(total * p + 0.5), 1 / (1 - p)))
   end
   file:write(string.format("%12.3f %14.12f %10d\n", latency.max, 1, total))
   file:write(string.format("#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", latency.mean, latency.stdev))
   file:write(string.format("#[Max     = %12.3f, Total count    = %12d]\n", latency.max, total))
   file:close()

   local e = summary.errors
   file = assert(io.open(os.getenv("WRK_OUT") .. ".json", "w"))
   file:write(string.format(
      '{"requests":%d,"duration_us":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
      summary.requests, summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
   file:close()
end
