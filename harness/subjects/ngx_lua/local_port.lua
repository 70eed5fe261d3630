-- The local port of a cosocket's connection: what the judge knows it by among those that its servers accepted.
--
-- The API does not tell it. It is read where the one version named below keeps the descriptor; with any other there is none,
-- as the protocol allows. Nothing is ever written there.

local ffi = require "ffi"

local KNOWN = ngx.config.ngx_lua_version == 10023 and ngx.config.nginx_version == 1022001
local COSOCKET_INDEX = 1 -- as in resty/core/socket.lua
local AF_INET, AF_INET6 = 2, 10

ffi.cdef [[
    struct poolspec_connection { void *data, *read, *write; int descriptor; }; /* ngx_connection_t begins so */
    struct poolspec_cosocket { /* and ngx_http_lua_socket_tcp_upstream_t */
        void *prepare[2], *handlers[2], *udata_queue, *pool, *conf, *cleanup, *request;
        struct poolspec_connection *connection;
    };
    struct poolspec_address { uint16_t family; uint8_t port[2]; uint8_t rest[124]; };
    int getsockname(int descriptor, struct poolspec_address *address, uint32_t *bytes);
]]

return function(sock)
    local cosocket = KNOWN and sock[COSOCKET_INDEX] and ffi.cast("struct poolspec_cosocket *", sock[COSOCKET_INDEX])
    if not cosocket or cosocket.connection == nil then
        return nil
    end
    local address = ffi.new("struct poolspec_address")
    local bytes = ffi.new("uint32_t[1]", ffi.sizeof(address))
    local failed = ffi.C.getsockname(cosocket.connection.descriptor, address, bytes) ~= 0
    if failed or (address.family ~= AF_INET and address.family ~= AF_INET6) then
        return nil
    end
    return address.port[0] * 256 + address.port[1]
end
