#include "load/report.h"

#include "base/jsonl.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

/* Where memory is out an object becomes NULL and stays it, up to whoever writes it: figures that lack some would be taken for
 * the whole. */
static void put(json_t **object, const char *name, json_t *value)
{
    if (json_object_set_new(*object, name, value) == 0)
        return;
    json_decref(*object);
    *object = NULL;
}

static void append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) == 0)
        return;
    json_decref(*array);
    *array = NULL;
}

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
    put(&out, "count", number(count));
    put(&out, "min", count ? number(h->min) : json_null());
    put(&out, "mean", count ? fraction(histogram_mean(h)) : json_null());
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        put(&out, points[i].name, count ? number(histogram_percentile(h, points[i].percentile)) : json_null());
    put(&out, "max", count ? number(h->max) : json_null());
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
        put(&out, pool_reason_text((enum pool_reason)reason), number(r->closed[reason]));
    return out;
}

static json_t *errors(const struct results *r)
{
    json_t *out = json_array();
    for (unsigned i = 0; i < r->error_count; i++) {
        const struct results_error *e = &r->errors[i];
        append(&out, json_pack("{s:s, s:s, s:b, s:o}", "phase", client_phase_text(e->phase), "error", client_error_text(e->err),
                               "first_use", e->first_use, "count", number(e->count)));
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
        put(&out, key, number(connections));
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

static void add_configuration(json_t **out, const struct report *report)
{
    const struct load_options *o = report->options;
    put(out, "schema", json_string("load/1"));
    put(out, "url", jsonl_words(o->url_text));
    put(out, "mode", json_string(o->rate > 0 ? "rate" : "closed"));
    put(out, "users", number(o->users));
    put(out, "workers", number(o->workers));
    put(out, "rate", o->rate > 0 ? fraction(o->rate) : json_null());
    put(out, "think_ms", think(o));
    put(out, "pause_ms", o->pause_ns ? fraction((double)o->pause_ns / 1e6) : json_null());
    put(out, "pause_every", o->pause_ns ? number(o->pause_every) : json_null());
    put(out, "timeout_ms", fraction((double)o->timeout_ns / 1e6));
    put(out, "fixed", json_boolean(o->fixed));
    put(out, "seed", number(o->seed));
    put(out, "pool", pool(o));
    put(out, "started_ns", number(report->crew->start_ns));
    put(out, "ended_ns", number(report->crew->start_ns + report->elapsed_ns));
    put(out, "elapsed_s", fraction((double)report->elapsed_ns / 1e9));
}

static void add_figures(json_t **out, const struct report *report)
{
    const struct results *r = report->total;
    put(out, "requests", number(r->started));
    put(out, "ok", number(r->ok));
    put(out, "failed", number(r->failed));
    put(out, "unfinished", number(r->started - r->ok - r->failed));
    put(out, "arrivals_unserved", number(r->unserved));
    put(out, "token_checked", json_boolean(report_token_checked(report)));
    put(out, "wrong_caller", number(report_wrong_caller(report)));
    put(out, "http_errors", number(r->http_errors));
    put(out, "surplus", number(r->surplus));
    put(out, "early", number(r->early));
    put(out, "connections_opened", number(r->opened));
    put(out, "reused_requests", number(r->reused));
    put(out, "reuse_rate", fraction(report_reuse_rate(report)));
    put(out, "connections_per_1000", fraction(report_connections_per_1000(report)));
    put(out, "throughput", fraction(report_throughput(report)));
    put(out, "closed", closed(r));
    put(out, "errors", errors(r));
    put(out, "requests_per_connection", requests_per_connection(r));
    put(out, "latency_us", latencies(report));
    put(out, "cpu_us_per_request", fraction(report_cpu_us_per_request(report)));
    put(out, "user_us", number(r->user_us));
    put(out, "sys_us", number(r->sys_us));
    put(out, "loop_lag_max_ms", fraction((double)r->lag_max_ns / 1e6));
}

static void add_workers(json_t **out, const struct report *report)
{
    const struct crew *crew = report->crew;
    json_t *peaks = json_array(), *workers = json_array(), *lost = json_array();
    for (unsigned i = 0; i < report->options->workers; i++) {
        append(&peaks, number(crew->results[i]->idle_peak));
        append(&workers, worker(crew->results[i], crew->lost[i]));
        if (crew->lost[i])
            append(&lost, number(i));
    }
    put(out, "idle_peak_per_worker", peaks);
    put(out, "workers_detail", workers);
    put(out, "interrupted", json_boolean(crew->interrupted));
    put(out, "lost_workers", lost);
}

/* Takes over `object`. Returns 0, or an errno value. */
static int write_line(json_t *object, FILE *file, size_t form)
{
    if (!object)
        return ENOMEM;
    bool written = json_dumpf(object, file, form | JSON_REAL_PRECISION(12)) == 0 && fputc('\n', file) != EOF;
    json_decref(object);
    return written ? 0 : errno ? errno : EIO;
}

int report_json(const struct report *report, FILE *file)
{
    json_t *out = json_object();
    add_configuration(&out, report);
    add_figures(&out, report);
    add_workers(&out, report);
    return write_line(out, file, JSON_INDENT(2));
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
            int err = write_line(sample(&r->samples[k]), file, JSON_COMPACT);
            if (err)
                return err;
            left--;
        }
    return 0;
}
