/* Time, and how a connection ends: FIN, RST, at once or behind what is on its way, and what becomes of late bytes. */
#include "conn.h"

#include "base/clock.h"

#include <sys/socket.h>

/* --- time ---------------------------------------------------------------------------------------------------------- */

void conn_stop_waiting(struct conn *c)
{
    c->due_ns = 0;
    ev_timer_stop(c->listener->server->loop, &c->timer);
}

static void arm(struct conn *c, uint64_t now_ns)
{
    ev_timer_stop(c->listener->server->loop, &c->timer);
    ev_timer_set(&c->timer, (double)(c->due_ns - now_ns) / 1e9, 0);
    ev_timer_start(c->listener->server->loop, &c->timer);
}

void conn_wait(struct conn *c, double ms)
{
    if (conn_is_closed(c))
        return;
    uint64_t now_ns = clock_now_ns();
    c->due_ns = now_ns + (uint64_t)(ms * 1e6);
    arm(c, now_ns);
}

/* --- behind the FIN ------------------------------------------------------------------------------------------------ */

static void end_lingering(struct conn *c)
{
    bool reset = c->linger.then == LINGER_RST || (c->linger.then == LINGER_RST_IF_LATE && c->late);
    c->linger_end_ns = 0;
    if (reset)
        conn_end_rst(c);
}

static void linger_on(struct conn *c)
{
    uint64_t now_ns = clock_now_ns();
    double left_ms = now_ns < c->linger_end_ns ? (double)(c->linger_end_ns - now_ns) / 1e6 : 0;
    conn_wait(c, c->linger.quiet_ms > 0 && c->linger.quiet_ms < left_ms ? c->linger.quiet_ms : left_ms);
}

static void begin_lingering(struct conn *c)
{
    if (c->linger.total_ms <= 0)
        return;
    c->linger_end_ns = clock_now_ns() + (uint64_t)(c->linger.total_ms * 1e6);
    linger_on(c);
}

void conn_take_late(struct conn *c, size_t bytes)
{
    record_late(&c->page, bytes);
    c->late = true;
    if (!c->linger_end_ns)
        conn_end_rst(c);
    else if (c->linger.quiet_ms > 0)
        linger_on(c);
}

/* libev counts from the time at which its loop woke up, so its timer may be early by our clock. */
void conn_on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct conn *c = timer->data;
    uint64_t now_ns = clock_now_ns();
    (void)loop;
    (void)revents;
    if (now_ns < c->due_ns) {
        arm(c, now_ns);
        return;
    }
    c->due_ns = 0;
    if (c->linger_end_ns)
        end_lingering(c);
    else if (c->drip_bytes)
        conn_drip(c);
    else if (c->entry->behaviour->tick)
        c->entry->behaviour->tick(c);
    conn_settle(c);
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

void conn_send_fin(struct conn *c)
{
    bool half = c->output == CONN_HALF_DUE;
    if (c->fin_seen) {
        conn_close(c, net_end_fin);
        return;
    }
    record_fin_sent(&c->page, half);
    shutdown(c->io.fd, SHUT_WR); /* a failure is a RST on its way to us, and read next */
    c->output = half ? CONN_HALF_SENT : CONN_FIN_SENT;
    c->answer_owed = false;
    if (half)
        return;
    buffer_free(&c->unread); /* it came before the FIN: not late, only in vain */
    begin_lingering(c);
}

static void end_output(struct conn *c, enum conn_output how)
{
    if (conn_is_closed(c) || c->output != CONN_OPEN)
        return;
    if (!c->drip_bytes)
        conn_stop_waiting(c);
    gate_leave(&c->waiter);
    c->output = how;
    if (buffer_bytes(&c->unsent) == 0)
        conn_send_fin(c);
}

void conn_end_fin(struct conn *c) { end_output(c, CONN_FIN_DUE); }

void conn_half_close(struct conn *c) { end_output(c, CONN_HALF_DUE); }

void conn_linger(struct conn *c, const struct lingering *how)
{
    c->linger = *how;
    conn_end_fin(c);
}

void conn_end_now(struct conn *c)
{
    buffer_free(&c->unsent);
    c->drip_bytes = 0;
    conn_end_fin(c);
    if (c->output == CONN_FIN_DUE && !conn_is_closed(c))
        conn_send_fin(c);
}

void conn_end_rst(struct conn *c)
{
    if (conn_is_closed(c))
        return;
    if (conn_is_unix(c)) { /* only after late bytes: the client's next write fails, as on TCP */
        conn_close(c, net_end_fin);
        return;
    }
    record_rst_sent(&c->page);
    conn_close(c, net_end_rst);
}

/* A receive buffer that the kernel sizes by itself may grow to tens of megabytes; one of a fixed size is full soon. */
void conn_stop_reading(struct conn *c)
{
    const int least = 1; /* the kernel rounds it up to its smallest */
    c->reads = false;
    setsockopt(c->io.fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
}

void conn_close_now(struct conn *c)
{
    record_fin_sent(&c->page, false);
    conn_close(c, net_end_fin);
}

void conn_close_unread(struct conn *c) { c->closes_unread = c->reads = true; }
