-- One nginx worker: takes commands from the adapter, one JSON object a line, and runs each in a light thread of its own.
--
-- Commands come over a cosocket, so that the event loop runs while there are none. Replies go out through a named pipe by
-- a plain write, which does not yield: a batch must be able to answer without the event loop running in between.

local cjson = require "cjson"
local operations = require "operations"
local process = require "process"

local _M = { folder = nil } -- where the adapter's control socket and the pipes are

local replies -- the pipe
local threads = {} -- of commands that are pending, by id
local ended = {} -- threads to collect: one that nobody waits for stays in memory

local function reply(id, fields)
    fields.id = id
    replies:write(cjson.encode(fields), "\n")
    replies:flush()
end

-- ngx.thread.spawn runs the new thread at once, until it has to wait or ends, and then comes back, all in the same turn of
-- the event loop. So a command that completes at once has been answered when this returns.
local function start(command)
    local job = {}
    job.thread = ngx.thread.spawn(function()
        reply(command.id, operations.run(command))
        job.has_ended = true
        threads[command.id] = nil
        ended[#ended + 1] = job
    end)
    if not job.has_ended then
        threads[command.id] = job
    end
end

local function collect_ended()
    for i = 1, #ended do
        ngx.thread.wait(ended[i].thread)
        ended[i] = nil
    end
end

local run

-- What is not about one socket. These never wait.
local on_worker = {
    answer = function(command) -- what the adapter has found out already, but has to be said in its turn
        return { ok = command.ok, err = command.err }
    end,

    block = function(command)
        process.sleep_ms(command.ms)
        return { ok = true }
    end,

    cancel = function(command)
        local job = threads[command.target]
        if not job then
            return { ok = false, err = "protocol: `target` must be the id of a command that is pending" }
        end
        local killed, err = ngx.thread.kill(job.thread)
        if not killed then
            return { ok = false, err = err }
        end
        threads[command.target] = nil
        reply(command.target, { ok = false, err = "cancelled" })
        return { ok = true }
    end,

    stop = function() -- as `nginx -s quit` or a reload tell a worker to
        process.signal_self(process.SIGQUIT)
        return { ok = true }
    end,

    batch = function(command)
        for _, inner in ipairs(command.commands) do
            run(inner)
        end
        return { ok = true }
    end,
}

function run(command)
    local op = on_worker[command.op]
    if op then
        reply(command.id, op(command))
    else
        start(command)
    end
end

local function run_commands_of(control)
    while true do
        local line = control:receive()
        if not line then
            return
        end
        run(cjson.decode(line))
        collect_ended()
    end
end

-- Runs until the adapter is gone. A worker that serves already returns at once.
function _M.serve()
    if replies then
        return
    end
    local id = ngx.worker.id()
    replies = assert(io.open(_M.folder .. "/replies." .. id, "w"))
    local control = ngx.socket.tcp()
    control:settimeouts(10000, 10000, 2 ^ 31 - 1)
    assert(control:connect("unix:" .. _M.folder .. "/control.sock"))
    assert(control:send(id .. " " .. ngx.worker.pid() .. " " .. ngx.get_phase() .. "\n"))
    local ok, err = pcall(run_commands_of, control)
    if not ok then
        ngx.log(ngx.ERR, "the adapter's part in Lua failed: ", err)
    end
    replies:close() -- the adapter takes that for the end of this worker
end

return _M
