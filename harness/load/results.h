/* results.h - what one worker has measured, in memory that outlives it.
 *
 * Shared between a worker, which writes, and its parent, which reads: whatever a worker had recorded when it died is there.
 * Every figure of the report is derived from these by the parent. */
#ifndef RESULTS_H
#define RESULTS_H

#include "client/client.h"
#include "load/histogram.h"
#include "load/token.h"

#define RESULTS_DIGITS 3            /* of the latencies of the whole run */
#define RESULTS_SECOND_DIGITS 2     /* of those of one second */
#define RESULTS_SECONDS 3600        /* the time series ends here, the run need not */
#define RESULTS_ERRORS 64           /* kinds of error told apart; further kinds are counted as the last */
#define RESULTS_USES (1u << 22)     /* uses of one connection that are counted */
#define RESULTS_SAMPLES 1000        /* requests that are kept one by one for the trace */

struct results_error {
    enum client_phase phase;
    int err;                        /* as in struct client_request */
    bool first_use;
    uint64_t count;
};

struct results_second {
    uint64_t requests, ok, failed, reused, opened; /* of requests that ended in it */
};

/* One request, for the trace. */
struct results_sample {
    uint64_t done_ns, rtt_ns, token, conn;
    unsigned worker, local_port, reused;
    enum client_phase phase;
    int err;
};

/* What became of one request beside what its client says. */
struct results_fact {
    uint64_t since_ns;              /* its latency counts from here */
    uint64_t token, conn;           /* conn: the server's number, from the body; 0 where not echoed */
    enum token_echo echo;
};

struct results {
    uint64_t started, ok, failed;   /* started - ok - failed were cut off, or under way when the worker died */
    uint64_t http_errors;           /* responses with a status of 400 or more */
    uint64_t opened, reused;        /* requests on a new, on a reused connection */
    uint64_t surplus, early;        /* good responses after which the connection had to be discarded */
    uint64_t echoed_right, echoed_wrong, not_echoed; /* of the successful responses, status below 400 */
    uint64_t unserved;              /* arrivals that were due and never started */
    uint64_t idle_peak;
    uint64_t lag_max_ns;
    uint64_t ended_ns;
    uint64_t closed[POOL_REASON_COUNT];
    uint64_t user_us, sys_us;       /* filled in by the parent */
    unsigned worker;
    unsigned error_count, sample_count;
    struct results_error errors[RESULTS_ERRORS];
    struct results_sample samples[RESULTS_SAMPLES];
    struct results_second seconds[RESULTS_SECONDS];
    /* Microseconds. */
    struct histogram *first_use, *reuse; /* latency: since_ns to the response's last byte */
    struct histogram *connect;           /* of new connections */
    struct histogram *response;          /* request sent to the response's last byte */
    uint32_t *uses;                      /* [k]: requests that found their connection used k times before */
    char *second_latency;                /* RESULTS_SECONDS histograms; see results_second_latency */
    size_t second_latency_bytes;         /* of each */
};

/* Maps one, zeroed. NULL with errno where the kernel refuses. Its pages take memory only once they are written. */
struct results *results_new(void);
void results_free(struct results *r);

/* Records a request that has ended. start_ns: when the whole run began. */
void results_record(struct results *r, const struct client_request *request, const struct results_fact *fact,
                    uint64_t run_start_ns);

/* Records only what a request did with its connection, for one that was cut off. (results_record includes it.) */
void results_record_use(struct results *r, const struct client_request *request);

/* Adds up, for a total over the workers. Peaks and maxima become the largest of any worker, samples are not merged. */
void results_merge(struct results *into, const struct results *from);

/* How many connections served exactly `requests` requests (at RESULTS_USES: that many or more). */
uint64_t results_connections_with(const struct results *r, uint64_t requests);

struct histogram *results_second_latency(const struct results *r, unsigned second);

#endif
