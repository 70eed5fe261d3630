#include "load/report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* To six digits behind the point: more would be noise. */
static json_t *fraction(double value)
{
    return json_real(round(value * 1e6) / 1e6);
}

static json_t *pool(const struct load_options *o)
{
    bool unlimited = o->idle_timeout_ns == POOL_UNLIMITED;
    return json_pack("{s:i, s:o, s:b}", "size", (int)o->pool_size, "idle_timeout_ms",
                     unlimited ? json_integer(0) : fraction((double)o->idle_timeout_ns / 1e6), "enabled", !o->no_pool);
}

static json_t *think(const struct load_options *o)
{
    if (o->think_min_ns == o->think_max_ns)
        return fraction((double)o->think_min_ns / 1e6);
    return json_pack("[o, o]", fraction((double)o->think_min_ns / 1e6), fraction((double)o->think_max_ns / 1e6));
}

static json_t *latency(const struct histogram *h)
{
    static const struct {
        const char *name;
        double percentile;
    } points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"p99_99", 99.99}, {"p99_999", 99.999}};
    uint64_t count = histogram_count(h);
    json_t *out = json_object();
    json_object_set_new(out, "count", number(count));
    json_object_set_new(out, "min", count ? number(h->min) : json_null());
    json_object_set_new(out, "mean", count ? fraction(histogram_mean(h)) : json_null());
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        json_object_set_new(out, points[i].name, count ? number(histogram_percentile(h, points[i].percentile)) : json_null());
    json_object_set_new(out, "max", count ? number(h->max) : json_null());
    return out;
}

static json_t *latencies(const struct report *report)
{
    const struct results *r = report->total;
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "all", latency(report->all), "first_use", latency(r->first_use), "reuse",
                     latency(r->reuse), "connect", latency(r->connect), "response", latency(r->response));
}

static json_t *closed(const struct results *r)
{
    json_t *out = json_object();
    for (unsigned reason = POOL_REASON_NONE + 1; reason < POOL_REASON_COUNT; reason++)
        json_object_set_new(out, pool_reason_text((enum pool_reason)reason), number(r->closed[reason]));
    return out;
}

static json_t *errors(const struct results *r)
{
    json_t *out = json_array();
    for (unsigned i = 0; i < r->error_count; i++) {
        const struct results_error *e = &r->errors[i];
        json_array_append_new(out, json_pack("{s:s, s:s, s:b, s:o}", "phase", client_phase_text(e->phase), "error",
                                             client_error_text(e->err), "first_use", e->first_use, "count", number(e->count)));
    }
    return out;
}

static json_t *requests_per_connection(const struct results *r)
{
    json_t *out = json_object();
    char key[24];
    for (uint64_t n = 1; n <= RESULTS_USES && r->uses[n - 1]; n++) {
        uint64_t connections = results_connections_with(r, n);
        if (connections == 0)
            continue;
        snprintf(key, sizeof key, "%llu", (unsigned long long)n);
        json_object_set_new(out, key, number(connections));
    }
    return out;
}

static json_t *worker(const struct results *r, bool lost)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "requests", number(r->started), "ok", number(r->ok),
                     "failed", number(r->failed), "opened", number(r->opened), "reused", number(r->reused), "user_us",
                     number(r->user_us), "sys_us", number(r->sys_us), "loop_lag_max_ms", fraction((double)r->lag_max_ns / 1e6),
                     "lost", lost);
}

static void add_configuration(json_t *out, const struct report *report)
{
    const struct load_options *o = report->options;
    json_object_set_new(out, "schema", json_string("load/1"));
    json_object_set_new(out, "url", json_string(o->url_text));
    json_object_set_new(out, "mode", json_string(o->rate > 0 ? "rate" : "closed"));
    json_object_set_new(out, "users", number(o->users));
    json_object_set_new(out, "workers", number(o->workers));
    json_object_set_new(out, "rate", o->rate > 0 ? fraction(o->rate) : json_null());
    json_object_set_new(out, "think_ms", think(o));
    json_object_set_new(out, "timeout_ms", fraction((double)o->timeout_ns / 1e6));
    json_object_set_new(out, "fixed", json_boolean(o->fixed));
    json_object_set_new(out, "seed", number(o->seed));
    json_object_set_new(out, "pool", pool(o));
    json_object_set_new(out, "started_ns", number(report->crew->start_ns));
    json_object_set_new(out, "ended_ns", number(report->crew->start_ns + report->elapsed_ns));
    json_object_set_new(out, "elapsed_s", fraction((double)report->elapsed_ns / 1e9));
}

static void add_figures(json_t *out, const struct report *report)
{
    const struct results *r = report->total;
    json_object_set_new(out, "requests", number(r->started));
    json_object_set_new(out, "ok", number(r->ok));
    json_object_set_new(out, "failed", number(r->failed));
    json_object_set_new(out, "unfinished", number(r->started - r->ok - r->failed));
    json_object_set_new(out, "arrivals_unserved", number(r->unserved));
    json_object_set_new(out, "token_checked", json_boolean(report_token_checked(report)));
    json_object_set_new(out, "wrong_caller", number(report_wrong_caller(report)));
    json_object_set_new(out, "http_errors", number(r->http_errors));
    json_object_set_new(out, "surplus", number(r->surplus));
    json_object_set_new(out, "early", number(r->early));
    json_object_set_new(out, "connections_opened", number(r->opened));
    json_object_set_new(out, "reused_requests", number(r->reused));
    json_object_set_new(out, "reuse_rate", fraction(report_reuse_rate(report)));
    json_object_set_new(out, "connections_per_1000", fraction(report_connections_per_1000(report)));
    json_object_set_new(out, "throughput", fraction(report_throughput(report)));
    json_object_set_new(out, "closed", closed(r));
    json_object_set_new(out, "errors", errors(r));
    json_object_set_new(out, "requests_per_connection", requests_per_connection(r));
    json_object_set_new(out, "latency_us", latencies(report));
    json_object_set_new(out, "cpu_us_per_request", fraction(report_cpu_us_per_request(report)));
    json_object_set_new(out, "user_us", number(r->user_us));
    json_object_set_new(out, "sys_us", number(r->sys_us));
    json_object_set_new(out, "loop_lag_max_ms", fraction((double)r->lag_max_ns / 1e6));
}

static void add_workers(json_t *out, const struct report *report)
{
    const struct crew *crew = report->crew;
    json_t *peaks = json_array(), *workers = json_array(), *lost = json_array();
    for (unsigned i = 0; i < report->options->workers; i++) {
        json_array_append_new(peaks, number(crew->results[i]->idle_peak));
        json_array_append_new(workers, worker(crew->results[i], crew->lost[i]));
        if (crew->lost[i])
            json_array_append_new(lost, number(i));
    }
    json_object_set_new(out, "idle_peak_per_worker", peaks);
    json_object_set_new(out, "workers_detail", workers);
    json_object_set_new(out, "interrupted", json_boolean(crew->interrupted));
    json_object_set_new(out, "lost_workers", lost);
}

int report_json(const struct report *report, FILE *file)
{
    json_t *out = json_object();
    add_configuration(out, report);
    add_figures(out, report);
    add_workers(out, report);
    int failed = json_dumpf(out, file, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) != 0 || fputc('\n', file) == EOF;
    json_decref(out);
    return failed ? (errno ? errno : EIO) : 0;
}

static json_t *sample(const struct results_sample *s)
{
    char token[TOKEN_DIGITS + 1] = {0};
    token_write(token, s->token);
    return json_pack("{s:o, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:o, s:s, s:o, s:o}", "t", number(s->done_ns), "who", "subject",
                     "ev", "request_done", "token", token, "worker", (int)s->worker, "local_port", (int)s->local_port,
                     "reused", (int)s->reused, "ok", s->err == 0, "error",
                     s->err ? json_string(client_error_text(s->err)) : json_null(), "phase", client_phase_text(s->phase),
                     "conn", s->conn ? number(s->conn) : json_null(), "rtt_us", fraction((double)s->rtt_ns / 1e3));
}

int report_trace(const struct report *report, FILE *file)
{
    unsigned left = RESULTS_SAMPLES, workers = report->options->workers;
    for (unsigned k = 0; left && k < RESULTS_SAMPLES; k++)
        for (unsigned i = 0; left && i < workers; i++) {
            const struct results *r = report->crew->results[i];
            if (k >= r->sample_count)
                continue;
            json_t *line = sample(&r->samples[k]);
            int failed = json_dumpf(line, file, JSON_COMPACT | JSON_REAL_PRECISION(12)) != 0 || fputc('\n', file) == EOF;
            json_decref(line);
            if (failed)
                return errno ? errno : EIO;
            left--;
        }
    return 0;
}
