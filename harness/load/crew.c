#include "load/crew.h"

#include "base/clock.h"
#include "load/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Until the workers are forked and ready; a request must not be late because its process was not there yet. */
#define READY_NS UINT64_C(10000000)
#define READY_PER_WORKER_NS UINT64_C(2000000)
#define PROGRESS_NS 200000000

struct watch {
    struct crew *crew;
    const struct load_options *options;
    pid_t pids[OPTIONS_WORKERS_MAX]; /* 0: has ended */
    unsigned running;
    bool progress;
};

static uint64_t share(uint64_t of, unsigned worker, unsigned workers)
{
    return of / workers + (worker < of % workers);
}

static struct sched_config schedule_of(const struct crew *crew, const struct load_options *o, unsigned worker)
{
    return (struct sched_config){
        .users = (unsigned)share(o->users, worker, o->workers),
        .start_ns = crew->start_ns,
        .end_ns = o->duration_ns ? crew->start_ns + o->duration_ns : SCHED_NEVER,
        .requests = o->requests ? share(o->requests, worker, o->workers) : UINT64_MAX,
        .rate = o->rate, .worker = worker, .workers = o->workers,
        .think_min_ns = o->think_min_ns, .think_max_ns = o->think_max_ns,
        .pause_ns = o->pause_ns, .pause_every = o->pause_every, .seed = o->seed};
}

static _Noreturn void be_worker(const struct crew *crew, const struct load_options *o, unsigned worker, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before that */
        exit(1);
    struct sched_config schedule = schedule_of(crew, o, worker);
    exit(worker_run(o, &schedule, crew->results[worker]));
}

static int start(struct watch *watch)
{
    struct crew *crew = watch->crew;
    unsigned workers = watch->options->workers;
    pid_t parent = getpid();

    for (unsigned i = 0; i < workers; i++) {
        crew->results[i] = results_new();
        if (!crew->results[i])
            return errno;
        crew->results[i]->worker = i;
    }
    crew->start_ns = clock_now_ns() + READY_NS + workers * READY_PER_WORKER_NS;
    for (unsigned i = 0; i < workers; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return errno;
        if (pid == 0)
            be_worker(crew, watch->options, i, parent);
        watch->pids[i] = pid;
        watch->running++;
    }
    return 0;
}

static void stop(const struct watch *watch)
{
    for (unsigned i = 0; i < watch->options->workers; i++)
        if (watch->pids[i])
            kill(watch->pids[i], SIGTERM);
}

static uint64_t to_us(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

static void ended(struct watch *watch, unsigned i, int status, const struct rusage *usage)
{
    struct crew *crew = watch->crew;
    char *why = crew->why_lost[i];
    watch->pids[i] = 0;
    watch->running--;
    crew->results[i]->user_us = to_us(usage->ru_utime);
    crew->results[i]->sys_us = to_us(usage->ru_stime);
    crew->lost[i] = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (WIFSIGNALED(status))
        snprintf(why, sizeof crew->why_lost[i], "killed by signal %d", WTERMSIG(status));
    else if (crew->lost[i])
        snprintf(why, sizeof crew->why_lost[i], "it could not begin: %.40s", strerror(WEXITSTATUS(status)));
}

static void reap(struct watch *watch)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while (watch->running && (pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
        for (unsigned i = 0; i < watch->options->workers; i++)
            if (watch->pids[i] == pid)
                ended(watch, i, status, &usage);
}

static void draw_progress(const struct watch *watch, bool last)
{
    uint64_t ok = 0, failed = 0, reused = 0, now = clock_now_ns(), start_ns = watch->crew->start_ns;
    if (!watch->progress)
        return;
    for (unsigned i = 0; i < watch->options->workers; i++) {
        const struct results *r = watch->crew->results[i];
        ok += r->ok;
        failed += r->failed;
        reused += r->reused;
    }
    double seconds = now > start_ns ? (double)(now - start_ns) / 1e9 : 0;
    if (last)
        fprintf(stderr, "\r\033[K");
    else
        fprintf(stderr, "\r\033[K%.1f s: %llu answered (%.0f/s), %llu failed, %.1f %% reused", seconds, (unsigned long long)ok,
                seconds > 0 ? (double)ok / seconds : 0, (unsigned long long)failed,
                ok + failed ? 100.0 * (double)reused / (double)(ok + failed) : 0);
}

static void watch_over(struct watch *watch, const sigset_t *signals)
{
    struct timespec pause = {.tv_nsec = PROGRESS_NS};
    while (watch->running) {
        switch (sigtimedwait(signals, NULL, &pause)) {
        case SIGCHLD:
            reap(watch);
            break;
        case SIGINT:
        case SIGTERM:
            watch->crew->interrupted = true;
            stop(watch);
            break;
        default:
            draw_progress(watch, false);
        }
    }
    draw_progress(watch, true);
}

int crew_run(struct crew *crew, const struct load_options *options, bool progress)
{
    struct watch watch = {.crew = crew, .options = options, .progress = progress};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    int err = start(&watch);
    if (err)
        stop(&watch);
    watch_over(&watch, &signals);
    crew->end_ns = clock_now_ns();
    return err;
}

void crew_free(struct crew *crew)
{
    for (unsigned i = 0; i < OPTIONS_WORKERS_MAX; i++)
        results_free(crew->results[i]);
}
