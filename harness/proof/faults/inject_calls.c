/* The system calls and allocations that stand in the place of the real ones. */
#include "proof/faults/inject.h"

#include <ares.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
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

/* --- system calls ----------------------------------------------------------------------------------------------------------
 * Of each there are up to two: fault_NAME is called by our objects, NAME by the libraries. Both go on to the next definition, which
 * is the sanitizer's where there is one. */

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
#define OURS(type, name, params) \
    type fault_##name params;    \
    type fault_##name params

OURS(int, socket, (int family, int type, int protocol))
{
    return FAILS(FAULT_SOCKET) ? -1 : REAL(socket)(family, type, protocol);
}

int socket(int family, int type, int protocol)
{
    return FAILS(FAULT_LIB_SOCKET) ? -1 : REAL(socket)(family, type, protocol);
}

OURS(int, connect, (int fd, const struct sockaddr *addr, socklen_t bytes))
{
    return FAILS(FAULT_CONNECT) ? -1 : REAL(connect)(fd, addr, bytes);
}

int connect(int fd, const struct sockaddr *addr, socklen_t bytes)
{
    return FAILS(FAULT_LIB_CONNECT) ? -1 : REAL(connect)(fd, addr, bytes);
}

/* What is received, or sent, at most; -1 or 0: not even tried. */
static ssize_t room(enum fault_site site, size_t bytes)
{
    switch (fault_at(site)) {
    case FAULT_NOTHING:
        return (ssize_t)bytes;
    case FAULT_SHORT:
        return bytes ? 1 : 0;
    case FAULT_EOF:
        return 0;
    default:
        return -1;
    }
}

OURS(ssize_t, recv, (int fd, void *data, size_t bytes, int flags))
{
    ssize_t take = room(FAULT_RECV, bytes);
    return take <= 0 ? take : REAL(recv)(fd, data, (size_t)take, flags);
}

ssize_t recv(int fd, void *data, size_t bytes, int flags)
{
    return FAILS(FAULT_LIB_RECV) ? -1 : REAL(recv)(fd, data, bytes, flags);
}

ssize_t recvfrom(int fd, void *data, size_t bytes, int flags, struct sockaddr *from, socklen_t *from_bytes)
{
    return FAILS(FAULT_LIB_RECV) ? -1 : REAL(recvfrom)(fd, data, bytes, flags, from, from_bytes);
}

OURS(ssize_t, send, (int fd, const void *data, size_t bytes, int flags))
{
    ssize_t take = room(FAULT_SEND, bytes);
    return take <= 0 ? take : REAL(send)(fd, data, (size_t)take, flags);
}

ssize_t send(int fd, const void *data, size_t bytes, int flags)
{
    return FAILS(FAULT_LIB_SEND) ? -1 : REAL(send)(fd, data, bytes, flags);
}

OURS(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t bytes))
{
    return FAILS(FAULT_SETSOCKOPT) ? -1 : REAL(setsockopt)(fd, level, option, value, bytes);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t bytes)
{
    return FAILS(FAULT_LIB_SETSOCKOPT) ? -1 : REAL(setsockopt)(fd, level, option, value, bytes);
}

OURS(int, getsockopt, (int fd, int level, int option, void *value, socklen_t *bytes))
{
    return FAILS(FAULT_GETSOCKOPT) ? -1 : getsockopt(fd, level, option, value, bytes);
}

OURS(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *bytes))
{
    return FAILS(FAULT_GETSOCKNAME) ? -1 : getsockname(fd, addr, bytes);
}

/* Whatever close says, the descriptor is gone: so it is on Linux. */
OURS(int, close, (int fd))
{
    int closed = REAL(close)(fd);
    return FAILS(FAULT_CLOSE) ? -1 : closed;
}

int close(int fd)
{
    int closed = REAL(close)(fd);
    return FAILS(FAULT_LIB_CLOSE) ? -1 : closed;
}

OURS(int, shutdown, (int fd, int how))
{
    return FAILS(FAULT_SHUTDOWN) ? -1 : shutdown(fd, how);
}

OURS(ssize_t, read, (int fd, void *data, size_t bytes))
{
    ssize_t take = room(FAULT_READ, bytes);
    return take <= 0 ? take : read(fd, data, (size_t)take);
}

OURS(ssize_t, write, (int fd, const void *data, size_t bytes))
{
    ssize_t take = room(FAULT_WRITE, bytes);
    return take <= 0 ? take : write(fd, data, (size_t)take);
}

OURS(int, poll, (struct pollfd *fds, nfds_t count, int timeout_ms))
{
    return FAILS(FAULT_POLL) ? -1 : poll(fds, count, timeout_ms);
}

OURS(int, socketpair, (int family, int type, int protocol, int pair[2]))
{
    return FAILS(FAULT_SOCKETPAIR) ? -1 : socketpair(family, type, protocol, pair);
}

OURS(pid_t, fork, (void))
{
    return FAILS(FAULT_FORK) ? -1 : fork();
}

OURS(pid_t, waitpid, (pid_t pid, int *status, int options))
{
    return FAILS(FAULT_WAITPID) ? -1 : waitpid(pid, status, options);
}

OURS(int, timerfd_create, (int clock, int flags))
{
    return FAILS(FAULT_TIMERFD_CREATE) ? -1 : timerfd_create(clock, flags);
}

OURS(void *, mmap, (void *at, size_t bytes, int protection, int flags, int fd, off_t offset))
{
    return FAILS(FAULT_MMAP) ? MAP_FAILED : mmap(at, bytes, protection, flags, fd, offset);
}

int fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *value = va_arg(args, void *); /* an int is passed in the same place */
    va_end(args);
    return FAILS(FAULT_LIB_FCNTL) ? -1 : REAL(fcntl)(fd, command, value);
}

int eventfd(unsigned value, int flags)
{
    return FAILS(FAULT_LIB_EVENTFD) ? -1 : REAL(eventfd)(value, flags);
}

int epoll_create1(int flags)
{
    return FAILS(FAULT_LIB_EPOLL_CREATE) ? -1 : REAL(epoll_create1)(flags);
}

int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    return FAILS(FAULT_LIB_EPOLL_CTL) ? -1 : REAL(epoll_ctl)(epoll, what, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int space, int timeout_ms)
{
    return FAILS(FAULT_LIB_EPOLL_WAIT) ? -1 : REAL(epoll_wait)(epoll, events, space, timeout_ms);
}
