/* inject.h - faults from below: system calls and allocations that fail where a plan says so.
 *
 * Our objects are linked with their calls renamed (calls.syms; pool.syms or host.syms; objcopy --redefine-syms). Calls that libev and
 * c-ares make are met by functions of the same name in the program; jansson and c-ares are given allocators. Not touched: libev's
 * memory (it ends the process itself when there is none, and offers no other way), and what the C library needs for itself.
 *
 * POOLSPEC_FAULT holds the plan, a list with commas of SITE:WHEN[:WHAT]
 *   SITE  memory.pool (the pool's and the client's), memory.host (the program around them), memory.json, memory.names (c-ares),
 *         or a system call of ours: see `names` in inject.c; lib.NAME is one that libev or c-ares makes
 *   WHEN  7: the 7th time;  7+: then and from then on;  *: each second time, so that whoever tries again gets on
 *   WHAT  an errno's name; `short`: no more than one byte is taken; `eof`. Allocations need none.
 * or nofile:N, a limit of descriptors.
 * POOLSPEC_FAULT_REPORT names a file: at its end each process writes there, with its id behind the name, how often each site was
 * passed, how often a fault fired, and which descriptors are open that were not at the start. */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>

enum fault_site {
    FAULT_MEMORY_POOL, FAULT_MEMORY_HOST, FAULT_MEMORY_JSON, FAULT_MEMORY_NAMES,
    FAULT_SOCKET, FAULT_CONNECT, FAULT_RECV, FAULT_SEND, FAULT_SETSOCKOPT, FAULT_GETSOCKOPT, FAULT_GETSOCKNAME, FAULT_CLOSE,
    FAULT_SHUTDOWN, FAULT_READ, FAULT_WRITE, FAULT_POLL, FAULT_SOCKETPAIR, FAULT_FORK, FAULT_WAITPID, FAULT_TIMERFD_CREATE, FAULT_MMAP,
    FAULT_LIB_SOCKET, FAULT_LIB_CONNECT, FAULT_LIB_RECV, FAULT_LIB_SEND, FAULT_LIB_SETSOCKOPT, FAULT_LIB_FCNTL, FAULT_LIB_CLOSE,
    FAULT_LIB_EVENTFD, FAULT_LIB_EPOLL_CREATE, FAULT_LIB_EPOLL_CTL, FAULT_LIB_EPOLL_WAIT,
    FAULT_SITES
};

enum fault_what { FAULT_NOTHING, FAULT_ERRNO, FAULT_SHORT, FAULT_EOF };

/* Counts one more pass and says what is to happen; with FAULT_ERRNO, errno is set. */
enum fault_what fault_at(enum fault_site site);

#endif
