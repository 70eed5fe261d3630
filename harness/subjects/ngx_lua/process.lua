-- What Lua cannot do to its own process.

local ffi = require "ffi"

ffi.cdef [[
    struct poolspec_timespec { long seconds, nanoseconds; };
    int nanosleep(const struct poolspec_timespec *wanted, struct poolspec_timespec *left);
    int getpid(void);
    int kill(int pid, int signal);
]]

local _M = { SIGQUIT = 3 }

-- Holds the whole process. ngx.sleep would let the event loop run, which is what this is there to prevent.
function _M.sleep_ms(ms)
    local left = ffi.new("struct poolspec_timespec")
    left.seconds = math.floor(ms / 1000)
    left.nanoseconds = (ms % 1000) * 1e6
    while ffi.C.nanosleep(left, left) ~= 0 do end -- a signal interrupts it
end

function _M.signal_self(signal)
    ffi.C.kill(ffi.C.getpid(), signal)
end

return _M
