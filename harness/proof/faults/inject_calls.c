/* The system calls and allocations that stand in the place of the real ones. */
#include "proof/faults/inject.h"

#include <ares.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- memory ---------------------------------------------------------------------------------------------------------------- */

#define FAILS(site) (fault_at(site) != FAULT_NOTHING)

#define ALLOCATOR(of, site)                                                                  \
    void *fault_##of##_malloc(size_t bytes);                                                 \
    void *fault_##of##_calloc(size_t count, size_t bytes);                                   \
    void *fault_##of##_realloc(void *old, size_t bytes);                                     \
    char *fault_##of##_strdup(const char *text);                                             \
    int fault_##of##_asprintf(char **out, const char *format, ...)                           \
        __attribute__((format(printf, 2, 3)));                                               \
    void *fault_##of##_malloc(size_t bytes) { return FAILS(site) ? NULL : malloc(bytes); }   \
    void *fault_##of##_calloc(size_t count, size_t bytes) { return FAILS(site) ? NULL : calloc(count, bytes); } \
    void *fault_##of##_realloc(void *old, size_t bytes) { return FAILS(site) ? NULL : realloc(old, bytes); }    \
    char *fault_##of##_strdup(const char *text) { return FAILS(site) ? NULL : strdup(text); } \
    int fault_##of##_asprintf(char **out, const char *format, ...)                           \
    {                                                                                        \
        va_list args;                                                                        \
        if (FAILS(site))                                                                     \
            return -1;                                                                       \
        va_start(args, format);                                                              \
        int bytes = vasprintf(out, format, args);                                            \
        va_end(args);                                                                        \
        return bytes;                                                                        \
    }

ALLOCATOR(pool, FAULT_MEMORY_POOL)
ALLOCATOR(host, FAULT_MEMORY_HOST)

static void *json_malloc(size_t bytes)
{
    return FAILS(FAULT_MEMORY_JSON) ? NULL : malloc(bytes);
}

static void *names_malloc(size_t bytes)
{
    return FAILS(FAULT_MEMORY_NAMES) ? NULL : malloc(bytes);
}

static void *names_realloc(void *old, size_t bytes)
{
    return FAILS(FAULT_MEMORY_NAMES) ? NULL : realloc(old, bytes);
}

/* c-ares keeps the first allocator that it was given, and counts who has initialised it. */
__attribute__((constructor)) static void give_allocators(void)
{
    json_set_alloc_funcs(json_malloc, free);
    ares_library_init_mem(ARES_LIB_INIT_ALL, names_malloc, free, names_realloc);
}

__attribute__((destructor)) static void take_back(void)
{
    ares_library_cleanup();
}

/* --- system calls ---------------------------------------------------------------------------------------------------------- */

int fault_socket(int family, int type, int protocol);
int fault_connect(int fd, const struct sockaddr *addr, socklen_t bytes);
ssize_t fault_recv(int fd, void *data, size_t bytes, int flags);
ssize_t fault_send(int fd, const void *data, size_t bytes, int flags);
int fault_setsockopt(int fd, int level, int option, const void *value, socklen_t bytes);
int fault_getsockopt(int fd, int level, int option, void *value, socklen_t *bytes);
int fault_getsockname(int fd, struct sockaddr *addr, socklen_t *bytes);
int fault_close(int fd);
int fault_shutdown(int fd, int how);
ssize_t fault_read(int fd, void *data, size_t bytes);
ssize_t fault_write(int fd, const void *data, size_t bytes);

int fault_socket(int family, int type, int protocol)
{
    return FAILS(FAULT_SOCKET) ? -1 : socket(family, type, protocol);
}

int fault_connect(int fd, const struct sockaddr *addr, socklen_t bytes)
{
    return FAILS(FAULT_CONNECT) ? -1 : connect(fd, addr, bytes);
}

ssize_t fault_recv(int fd, void *data, size_t bytes, int flags)
{
    switch (fault_at(FAULT_RECV)) {
    case FAULT_NOTHING:
        return recv(fd, data, bytes, flags);
    case FAULT_SHORT:
        return recv(fd, data, bytes ? 1 : 0, flags);
    case FAULT_EOF:
        return 0;
    default:
        return -1;
    }
}

ssize_t fault_send(int fd, const void *data, size_t bytes, int flags)
{
    switch (fault_at(FAULT_SEND)) {
    case FAULT_NOTHING:
        return send(fd, data, bytes, flags);
    case FAULT_SHORT:
        return send(fd, data, bytes ? 1 : 0, flags);
    default:
        return -1;
    }
}

int fault_setsockopt(int fd, int level, int option, const void *value, socklen_t bytes)
{
    return FAILS(FAULT_SETSOCKOPT) ? -1 : setsockopt(fd, level, option, value, bytes);
}

int fault_getsockopt(int fd, int level, int option, void *value, socklen_t *bytes)
{
    return FAILS(FAULT_GETSOCKOPT) ? -1 : getsockopt(fd, level, option, value, bytes);
}

int fault_getsockname(int fd, struct sockaddr *addr, socklen_t *bytes)
{
    return FAILS(FAULT_GETSOCKNAME) ? -1 : getsockname(fd, addr, bytes);
}

/* Whatever close says, the descriptor is gone: so it is on Linux. */
int fault_close(int fd)
{
    int closed = close(fd);
    return FAILS(FAULT_CLOSE) ? -1 : closed;
}

int fault_shutdown(int fd, int how)
{
    return FAILS(FAULT_SHUTDOWN) ? -1 : shutdown(fd, how);
}

ssize_t fault_read(int fd, void *data, size_t bytes)
{
    switch (fault_at(FAULT_READ)) {
    case FAULT_NOTHING:
        return read(fd, data, bytes);
    case FAULT_SHORT:
        return read(fd, data, bytes ? 1 : 0);
    default:
        return -1;
    }
}

ssize_t fault_write(int fd, const void *data, size_t bytes)
{
    switch (fault_at(FAULT_WRITE)) {
    case FAULT_NOTHING:
        return write(fd, data, bytes);
    case FAULT_SHORT:
        return write(fd, data, bytes ? 1 : 0);
    default:
        return -1;
    }
}

/* libev's; a program's own function goes before the C library's. */
int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    return FAILS(FAULT_EPOLL_CTL) ? -1 : (int)syscall(SYS_epoll_ctl, epoll, what, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int room, int timeout_ms)
{
    return FAILS(FAULT_EPOLL_WAIT) ? -1 : (int)syscall(SYS_epoll_pwait, epoll, events, room, timeout_ms, NULL, 0);
}
