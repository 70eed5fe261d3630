#include "proof/faults/inject.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FIRST_FREE_MAX 64 /* descriptors that may be open at the start */

static const char *const names[FAULT_SITES] = {
    "memory.pool", "memory.host", "memory.json", "memory.names",
    "socket", "connect", "recv", "send", "setsockopt", "getsockopt", "getsockname", "close",
    "shutdown", "read", "write", "poll", "socketpair", "fork", "waitpid", "timerfd_create", "mmap",
    "lib.socket", "lib.connect", "lib.recv", "lib.send", "lib.setsockopt", "lib.fcntl", "lib.close",
    "lib.eventfd", "lib.epoll_create1", "lib.epoll_ctl", "lib.epoll_wait"};

static struct plan {
    unsigned first, last, every; /* passes, from 1; every: 2 where each second one fails */
    enum fault_what what;
    int error;
} plans[FAULT_SITES];

static unsigned long passes[FAULT_SITES], fired;
static bool open_at_start[FIRST_FREE_MAX];

/* --- the plan -------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int value;
} errnos[] = {
    {"EAGAIN", EAGAIN}, {"EINTR", EINTR}, {"EIO", EIO}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EPERM", EPERM},
    {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"ENOSPC", ENOSPC}, {"EPIPE", EPIPE}, {"EINVAL", EINVAL}, {"ENOBUFS", ENOBUFS},
    {"EADDRNOTAVAIL", EADDRNOTAVAIL}, {"ENETUNREACH", ENETUNREACH}, {"EHOSTUNREACH", EHOSTUNREACH}, {"ENETDOWN", ENETDOWN},
    {"ECONNREFUSED", ECONNREFUSED}, {"ECONNRESET", ECONNRESET}, {"ECONNABORTED", ECONNABORTED}, {"ETIMEDOUT", ETIMEDOUT},
    {"EAFNOSUPPORT", EAFNOSUPPORT}, {"ENOTCONN", ENOTCONN}, {"EBADF", EBADF}};

static _Noreturn void bad_plan(const char *part)
{
    fprintf(stderr, "faults: not understood: %s\n", part);
    _exit(2);
}

static void read_what(struct plan *plan, const char *what)
{
    if (strcmp(what, "short") == 0 || strcmp(what, "eof") == 0) {
        plan->what = *what == 's' ? FAULT_SHORT : FAULT_EOF;
        return;
    }
    plan->what = FAULT_ERRNO;
    for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
        if (strcmp(errnos[i].name, what) == 0)
            plan->error = errnos[i].value;
    if (!plan->error)
        bad_plan(what);
}

static void limit_descriptors(rlim_t count)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = count ? count : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void read_part(char *part)
{
    char *name = strsep(&part, ":"), *when = strsep(&part, ":"), *end;
    enum fault_site site = 0;
    if (!when)
        bad_plan(name);
    unsigned first = (unsigned)strtoul(when, &end, 10);
    if (strcmp(name, "nofile") == 0) {
        limit_descriptors(first);
        return;
    }
    while (site < FAULT_SITES && strcmp(names[site], name) != 0)
        site++;
    if (site == FAULT_SITES)
        bad_plan(name);
    bool always = *when == '*', on = *end == '+';
    plans[site] = (struct plan){.first = always ? 1 : first, .last = always || on ? UINT_MAX : first, .every = always ? 2 : 1};
    read_what(&plans[site], part ? part : "ENOMEM");
}

enum fault_what fault_at(enum fault_site site)
{
    const struct plan *plan = &plans[site];
    unsigned long pass = ++passes[site];
    if (!plan->what || pass < plan->first || pass > plan->last || (pass - plan->first) % plan->every)
        return FAULT_NOTHING;
    fired++;
    if (plan->what == FAULT_ERRNO)
        errno = plan->error;
    return plan->what;
}

/* --- the report ------------------------------------------------------------------------------------------------------------ */

static void each_descriptor(void (*each)(FILE *out, int fd), FILE *out)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (*entry->d_name != '.' && atoi(entry->d_name) != dirfd(folder))
            each(out, atoi(entry->d_name));
    if (folder)
        closedir(folder);
}

static void note_open(FILE *out, int fd)
{
    (void)out;
    if (fd < FIRST_FREE_MAX)
        open_at_start[fd] = true;
}

static void tell_left(FILE *out, int fd)
{
    char link[64], target[128] = "";
    if (fd == fileno(out) || (fd < FIRST_FREE_MAX && open_at_start[fd]))
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, target, sizeof target - 1) > 0)
        fprintf(out, ",\"%s\"", target);
}

static void report(void)
{
    const char *prefix = getenv("POOLSPEC_FAULT_REPORT");
    char path[PATH_MAX];
    limit_descriptors(0);
    if (!prefix)
        return;
    snprintf(path, sizeof path, "%s.%d", prefix, (int)getpid());
    FILE *out = fopen(path, "w");
    if (!out)
        return;
    fprintf(out, "{\"fired\":%lu,\"passes\":{", fired);
    for (int i = 0; i < FAULT_SITES; i++)
        fprintf(out, "%s\"%s\":%lu", i ? "," : "", names[i], passes[i]);
    fprintf(out, "},\"left_open\":[null");
    each_descriptor(tell_left, out);
    fprintf(out, "]}\n");
    fclose(out);
}

/* A worker process has of its own what it opens after the fork. */
static void begin_child(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit_descriptors(0); /* to look needs one */
    fired = 0;
    each_descriptor(note_open, NULL);
    setrlimit(RLIMIT_NOFILE, &limit);
}

__attribute__((constructor)) static void begin(void)
{
    const char *plan = getenv("POOLSPEC_FAULT");
    char *copy = plan && *plan ? strdup(plan) : NULL, *rest = copy, *part;
    each_descriptor(note_open, NULL);
    atexit(report);
    pthread_atfork(NULL, NULL, begin_child);
    while ((part = strsep(&rest, ",")))
        read_part(part);
    free(copy);
}
