#include "load/results.h"

#include <sys/mman.h>

static size_t in_pages(size_t bytes)
{
    return (bytes + 4095) & ~(size_t)4095;
}

struct layout {
    size_t histogram, uses, second, bytes;
};

static struct layout layout(void)
{
    struct layout l = {.histogram = in_pages(sizeof(struct results))};
    l.uses = l.histogram + 4 * in_pages(histogram_bytes(RESULTS_DIGITS));
    l.second = l.uses + in_pages(RESULTS_USES * sizeof(uint32_t));
    l.bytes = l.second + RESULTS_SECONDS * histogram_bytes(RESULTS_SECOND_DIGITS);
    return l;
}

struct results *results_new(void)
{
    struct layout l = layout();
    char *at = mmap(NULL, l.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    struct results *r = (void *)at;
    struct histogram **const histograms[] = {&r->first_use, &r->reuse, &r->connect, &r->response};
    for (size_t i = 0; i < 4; i++) {
        *histograms[i] = (void *)(at + l.histogram + i * in_pages(histogram_bytes(RESULTS_DIGITS)));
        histogram_init(*histograms[i], RESULTS_DIGITS);
    }
    r->uses = (void *)(at + l.uses);
    r->second_latency = at + l.second;
    r->second_latency_bytes = histogram_bytes(RESULTS_SECOND_DIGITS);
    return r;
}

void results_free(struct results *r)
{
    if (r)
        munmap(r, layout().bytes);
}

struct histogram *results_second_latency(const struct results *r, unsigned second)
{
    return (void *)(r->second_latency + second * r->second_latency_bytes);
}

/* The first touch makes it a histogram, so that the seconds that never come take no memory. */
static struct histogram *touch_second_latency(struct results *r, unsigned second)
{
    struct histogram *h = results_second_latency(r, second);
    if (h->slots == 0)
        histogram_init(h, RESULTS_SECOND_DIGITS);
    return h;
}

static uint64_t to_us(uint64_t ns)
{
    return (ns + 500) / 1000;
}

static bool had_connection(const struct client_request *request)
{
    return request->phase != CLIENT_CONNECT;
}

static bool is_first_use(const struct client_request *request)
{
    return request->reused == 0;
}

static void add_error(struct results *r, enum client_phase phase, int err, bool first_use, uint64_t count)
{
    unsigned i;
    for (i = 0; i < r->error_count; i++)
        if (r->errors[i].phase == phase && r->errors[i].err == err && r->errors[i].first_use == first_use)
            break;
    if (i == RESULTS_ERRORS)
        i--;
    else if (i == r->error_count)
        r->errors[r->error_count++] = (struct results_error){.phase = phase, .err = err, .first_use = first_use};
    r->errors[i].count += count;
}

void results_record_use(struct results *r, const struct client_request *request)
{
    if (!had_connection(request))
        return;
    if (is_first_use(request)) {
        r->opened++;
        histogram_record(r->connect, to_us(request->connect_ns));
    } else {
        r->reused++;
    }
    if (request->reused < RESULTS_USES)
        r->uses[request->reused]++;
}

static void record_second(struct results *r, const struct client_request *request, uint64_t latency_us, uint64_t run_start_ns)
{
    uint64_t second = (request->done_ns - run_start_ns) / 1000000000u;
    if (second >= RESULTS_SECONDS)
        return;
    struct results_second *s = &r->seconds[second];
    s->requests++;
    s->opened += had_connection(request) && is_first_use(request);
    s->reused += !is_first_use(request);
    if (request->err) {
        s->failed++;
    } else {
        s->ok++;
        histogram_record(touch_second_latency(r, (unsigned)second), latency_us);
    }
}

static void record_response(struct results *r, const struct client_request *request, const struct results_fact *fact)
{
    r->surplus += request->fate == CLIENT_SURPLUS;
    r->early += request->fate == CLIENT_EARLY;
    if (request->status >= 400) {
        r->http_errors++;
        return;
    }
    r->echoed_right += fact->echo == TOKEN_RIGHT;
    r->echoed_wrong += fact->echo == TOKEN_WRONG;
    r->not_echoed += fact->echo == TOKEN_NOT_ECHOED;
}

static void record_sample(struct results *r, const struct client_request *request, const struct results_fact *fact)
{
    r->samples[r->sample_count] = (struct results_sample){
        .done_ns = request->done_ns, .rtt_ns = request->sent_ns ? request->done_ns - request->sent_ns : 0,
        .token = fact->token, .conn = fact->conn, .worker = r->worker, .local_port = request->local_port,
        .reused = request->reused, .phase = request->phase, .err = request->err};
    r->sample_count++;
}

void results_record(struct results *r, const struct client_request *request, const struct results_fact *fact,
                    uint64_t run_start_ns)
{
    uint64_t latency_us = to_us(request->done_ns - fact->since_ns);

    results_record_use(r, request);
    record_second(r, request, latency_us, run_start_ns);
    if (r->sample_count < RESULTS_SAMPLES)
        record_sample(r, request, fact);
    if (request->err) {
        r->failed++;
        add_error(r, request->phase, request->err, is_first_use(request), 1);
        return;
    }
    r->ok++;
    histogram_record(is_first_use(request) ? r->first_use : r->reuse, latency_us);
    histogram_record(r->response, to_us(request->done_ns - request->sent_ns));
    record_response(r, request, fact);
}

uint64_t results_connections_with(const struct results *r, uint64_t requests)
{
    uint64_t more = requests < RESULTS_USES ? r->uses[requests] : 0;
    return requests ? r->uses[requests - 1] - more : 0;
}

/* --- adding up ------------------------------------------------------------------------------------------------------------ */

static void keep_larger(uint64_t *into, uint64_t from)
{
    if (from > *into)
        *into = from;
}

static void merge_seconds(struct results *into, const struct results *from)
{
    for (unsigned i = 0; i < RESULTS_SECONDS; i++) {
        struct results_second *to = &into->seconds[i];
        const struct results_second *s = &from->seconds[i];
        to->requests += s->requests;
        to->ok += s->ok;
        to->failed += s->failed;
        to->reused += s->reused;
        to->opened += s->opened;
        if (s->ok)
            histogram_merge(touch_second_latency(into, i), results_second_latency(from, i));
    }
}

static void merge_counts(struct results *into, const struct results *from)
{
    into->started += from->started;
    into->ok += from->ok;
    into->failed += from->failed;
    into->http_errors += from->http_errors;
    into->opened += from->opened;
    into->reused += from->reused;
    into->surplus += from->surplus;
    into->early += from->early;
    into->echoed_right += from->echoed_right;
    into->echoed_wrong += from->echoed_wrong;
    into->not_echoed += from->not_echoed;
    into->unserved += from->unserved;
    into->user_us += from->user_us;
    into->sys_us += from->sys_us;
    for (unsigned i = 0; i < POOL_REASON_COUNT; i++)
        into->closed[i] += from->closed[i];
    for (unsigned i = 0; i < from->error_count; i++) {
        const struct results_error *e = &from->errors[i];
        add_error(into, e->phase, e->err, e->first_use, e->count);
    }
}

void results_merge(struct results *into, const struct results *from)
{
    merge_counts(into, from);
    merge_seconds(into, from);
    keep_larger(&into->idle_peak, from->idle_peak);
    keep_larger(&into->lag_max_ns, from->lag_max_ns);
    keep_larger(&into->ended_ns, from->ended_ns);
    histogram_merge(into->first_use, from->first_use);
    histogram_merge(into->reuse, from->reuse);
    histogram_merge(into->connect, from->connect);
    histogram_merge(into->response, from->response);
    /* Every use but the first follows another one of the same connection: the first zero is the end. */
    for (unsigned k = 0; k < RESULTS_USES && from->uses[k]; k++)
        into->uses[k] += from->uses[k];
}
