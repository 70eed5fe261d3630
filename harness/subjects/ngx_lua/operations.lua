-- The subject protocol's operations on a socket, as calls of the cosocket API.
--
-- Values go to the API as they came: a wrong one is the pool's to answer. What the API throws is an answer, too.

local cjson = require "cjson"
local local_port_of = require "local_port"

local _M = {}
local sockets = {} -- by label

-- null stands for nil, in a table too.
local function value_of(json)
    if json == cjson.null then
        return nil
    elseif type(json) ~= "table" then
        return json
    end
    local values = {}
    for key, value in pairs(json) do
        values[key] = value_of(value)
    end
    return values
end

-- What each operation calls. The number of arguments is a part of the call: a nil is given only where the command says null, or
-- where more follows. Results go through locals: in a tail call the caller's name is gone, and what is thrown says '?' for the
-- method.
local calls = {}

function calls.connect(sock, command)
    local ok, err
    if command.unix ~= nil then
        local name = command.unix:find("^unix:") and command.unix or "unix:" .. command.unix
        if command.options ~= nil then
            ok, err = sock:connect(name, value_of(command.options))
        else
            ok, err = sock:connect(name)
        end
    elseif command.options ~= nil then
        ok, err = sock:connect(value_of(command.host), value_of(command.port), value_of(command.options))
    elseif command.port ~= nil then
        ok, err = sock:connect(value_of(command.host), value_of(command.port))
    else
        ok, err = sock:connect(value_of(command.host))
    end
    return ok, err
end

function calls.send(sock, command)
    local sent, err = sock:send(ngx.decode_base64(command.data))
    return sent, err
end

function calls.receive(sock, command)
    local data, err, partial
    if command.bytes ~= nil then
        data, err, partial = sock:receive(value_of(command.bytes))
    elseif command.any ~= nil then
        data, err, partial = sock:receiveany(value_of(command.any))
    else
        data, err, partial = sock:receive(command.all and "*a" or "*l")
    end
    return data, err, partial
end

function calls.setkeepalive(sock, command)
    local ok, err
    if command.size ~= nil then
        ok, err = sock:setkeepalive(value_of(command.timeout_ms), value_of(command.size))
    elseif command.timeout_ms ~= nil then
        ok, err = sock:setkeepalive(value_of(command.timeout_ms))
    else
        ok, err = sock:setkeepalive()
    end
    return ok, err
end

function calls.getreusedtimes(sock)
    local times, err = sock:getreusedtimes()
    return times, err
end

function calls.settimeouts(sock, command)
    sock:settimeouts(value_of(command.connect_ms), value_of(command.send_ms), value_of(command.read_ms))
    return true
end

function calls.close(sock)
    local ok, err = sock:close()
    return ok, err
end

-- The method with exactly these arguments, whatever they are.
local function call_with_arguments(sock, command)
    local arguments = value_of(command.arguments)
    local first, err, partial = sock[command.op](sock, unpack(arguments, 1, #command.arguments))
    return first, err, partial
end

-- The fields of a reply, from the method's first result.
local replies = {
    connect = function(value, sock)
        return { value = value, reused = sock:getreusedtimes(), local_port = local_port_of(sock) }
    end,
    send = function(value) return { sent = value } end,
    receive = function(value) return { data = ngx.encode_base64(value) } end,
    setkeepalive = function(value) return { value = value } end,
    getreusedtimes = function(value) return { value = value } end,
    settimeouts = function() return {} end,
    close = function(value) return { value = value } end,
}

-- Runs one command to its end, which may take many turns of the event loop. Returns the fields of the reply.
function _M.run(command)
    local sock = sockets[command.sock]
    if not sock then
        sock = ngx.socket.tcp()
        sockets[command.sock] = sock
    end
    local call = command.arguments and call_with_arguments or calls[command.op]
    local returned, value, err, partial = pcall(call, sock, command)
    if returned and value then
        local fields = replies[command.op](value, sock)
        fields.ok = true
        return fields
    end
    if not returned then
        err = tostring(value):gsub("^[^%s:]+:%d+: ", "", 1) -- without the place in this file
    end
    local fields = { ok = false, err = err }
    if command.op == "receive" then
        fields.partial = ngx.encode_base64(partial or "")
    end
    return fields
end

return _M
