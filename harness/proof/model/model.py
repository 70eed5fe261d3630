"""The contract as a program: what a pool with cosocket semantics answers and does, call by call. To be read as a specification, with
objects.py, what is asked of one object, and things.py, what there is.

There is no clock and no network in here. Whoever plays it sets `now` (milliseconds), says what the peers do (`peer_sends`,
`peer_ends`) and when the event loop runs (`turn`); between two turns the application has the thread to itself. Each call has
an id; its answer is appended to `answers` when it is given. Where an error may be worded in several ways, `err` is a tuple."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from proof.model.objects import Objects
from proof.model.things import DATA, FIN, NEVER, QUIET, RST, Address, Answer, Conn, Pool, Wish, error, ok


class Model(Objects):
    def __init__(self, max_idle: int = 30, idle_timeout_ms: float = 60_000) -> None:
        super().__init__()
        self.max_idle, self.idle_ms = max_idle, idle_timeout_ms or NEVER
        self.stopping = False
        self.pools: dict[str, Pool] = {}
        self.due: list[Wish] = []  # connects that have an outcome; the loop will tell
        self.closed: list[Conn] = []
        self.opened: dict[Address, int] = {}
        self.dropped = 0  # connections nobody was ever given: the peer may have seen them or not

    # connect, and the line

    def connect(self, call: int, sock: str, address: Address, pool: str | None = None, pool_size: int | None = None,
                backlog: int | None = None) -> None:  # fmt: skip
        obj = self.object(sock)
        if refusal := obj.busy():
            return self.answer(call, refusal)
        if pool_size is not None and pool_size <= 0:
            return self.answer(call, error(f'bad "pool_size" option value: {pool_size}'))
        if backlog is not None and backlog < 0:
            return self.answer(call, error(f'bad "backlog" option value: {backlog}'))
        if address.wrong:
            return self.answer(call, error(address.wrong))
        if obj.conn:
            self.drop(obj)
        mine = self.pools.setdefault(address.text if pool is None else pool, Pool())
        wish = obj.wish = Wish(call, obj, mine, address, obj.connect_ms, self.now + obj.connect_ms)
        self.check_out(wish, pool_size, backlog)
        if wish in self.due:  # known at once: told at once
            self.tell(wish)

    def check_out(self, wish: Wish, size: int | None, backlog: int | None) -> None:
        pool = wish.pool
        while pool.idle:
            conn = pool.idle[-1]  # the most recently returned first
            if conn.until > self.now and conn.look() == QUIET:
                pool.idle.remove(conn)
                return self.hand_over(conn, wish)
            self.end(conn)  # dead, dirty or too old: nobody gets it
        if size or backlog is not None:  # without either, a connect creates no pool
            pool.create(size or self.max_idle, backlog)
        if not pool.is_full():
            self.open(wish)
        elif len(pool.line) < pool.backlog:
            pool.line.append(wish)
        else:
            self.settle(wish, error("too many waiting connect operations"))
            pool.forget()

    def hand_over(self, conn: Conn, wish: Wish) -> None:
        conn.reused += 1
        conn.until = NEVER
        conn.pool.used.append(conn)
        self.settle(wish, conn)

    def open(self, wish: Wish) -> None:
        wish.member = wish.pool.size is not None
        wish.until = self.now + wish.patience_ms  # anew: waiting in line had its own
        wish.pool.opening.append(wish)
        if wish.address.at_once:
            self.network_answers(wish)

    def network_answers(self, wish: Wish) -> None:
        pool, address = wish.pool, wish.address
        pool.opening.remove(wish)
        if address.refuses or address.deaf:
            self.settle(wish, error("timeout", after=wish.until) if address.deaf else error(address.refuses))
            return self.place_freed(pool)
        self.opened[address] = self.opened.get(address, 0) + 1
        conn = Conn(pool, address, wish.member, self.opened[address])
        pool.used.append(conn)
        self.settle(wish, conn)

    def settle(self, wish: Wish, outcome: Conn | Answer) -> None:
        wish.outcome = outcome
        self.due.append(wish)

    def tell(self, wish: Wish) -> None:
        self.due.remove(wish)
        wish.obj.wish = None
        if isinstance(wish.outcome, Conn):
            wish.obj.conn = wish.outcome
            self.answer(wish.call, ok(reused=wish.outcome.reused, conn=wish.outcome))
        else:
            self.answer(wish.call, wish.outcome)

    def place_freed(self, pool: Pool) -> None:
        """The first in line has it, before any newcomer."""
        while pool.line and not pool.is_full():
            self.open(pool.line.pop(0))
        pool.forget()

    def end(self, conn: Conn) -> None:
        """The one way in which a connection goes."""
        (conn.pool.idle if conn in conn.pool.idle else conn.pool.used).remove(conn)
        conn.closed = RST if conn.kernel else FIN
        conn.expired = conn.until <= self.now and conn.look() == QUIET
        self.closed.append(conn)
        self.place_freed(conn.pool)

    # setkeepalive and what else an object is asked

    def setkeepalive(self, call: int, sock: str, timeout_ms: float | None = None, size: int | None = None) -> None:
        obj = self.object(sock)
        if refusal := obj.unusable():
            return self.answer(call, refusal)
        conn, pool, seen = obj.conn, obj.conn.pool, obj.conn.look()
        if timeout_ms is not None and timeout_ms < 0:
            return self.answer(call, error(f"bad timeout value: {timeout_ms:g}"))
        if size is not None and size <= 0 and pool.size is None:  # ignored, like any size, where the pool exists
            return self.answer(call, error(f'bad "pool_size" option value: {size}'))
        if conn.buffer and seen not in (FIN, RST):
            return self.answer(call, error("unread data in buffer"))
        obj.conn = None
        if seen != QUIET:  # refused, and so it evicts nobody
            self.end(conn)
            return self.answer(call, error("connection in dubious state" if seen == DATA else "closed"))
        if self.stopping or (pool.is_full() and pool.total() > pool.size):  # opened before the pool: one too many
            self.end(conn)
            return self.answer(call, ok(value=1))
        pool.create(size or self.max_idle, None)
        conn.member = True
        pool.used.remove(conn)
        if pool.line:
            self.hand_over(conn, pool.line.pop(0))
        else:
            conn.until = self.now + (self.idle_ms if timeout_ms is None else timeout_ms or NEVER)
            pool.idle.append(conn)
            if len(pool.idle) > pool.size:
                self.end(pool.idle[0])  # the least recently used goes, the newcomer stays
        self.answer(call, ok(value=1))

    def close(self, call: int, sock: str) -> None:
        obj = self.object(sock)
        refusal = obj.unusable()
        if not refusal:
            self.drop(obj)
        self.answer(call, refusal or ok())

    def cancel(self, call: int, target: int) -> None:
        for obj in self.objects.values():
            if target in [other.call for other in (obj.read, obj.write) if other]:
                obj.read, obj.write = (None if other and other.call == target else other for other in (obj.read, obj.write))
                if obj.conn:
                    self.drop(obj)  # nobody could tell any more where in its stream it is
                break
            if obj.wish and obj.wish.call == target:
                self.withdraw(obj.wish)
                break
        else:
            return self.answer(call, error("protocol: `target` must be the id of a command that is pending"))
        self.answer(target, error("cancelled"))
        self.answer(call, ok())

    def withdraw(self, wish: Wish) -> None:
        wish.obj.wish, pool = None, wish.pool
        self.dropped += wish in pool.opening or isinstance(wish.outcome, Conn)
        if wish in self.due:
            self.due.remove(wish)
        for waiting in (pool.line, pool.opening):
            if wish in waiting:
                waiting.remove(wish)
        if isinstance(wish.outcome, Conn):
            self.end(wish.outcome)
        self.place_freed(pool)

    # the worker, its loop, and its peers

    def stop(self, call: int) -> None:
        """It shuts down: idle connections close now, others as they come back."""
        self.stopping = True
        for conn in self.all_idle():
            self.end(conn)
        self.answer(call, ok())

    def block(self, call: int, ms: float) -> None:
        self.now += ms
        self.answer(call, ok())

    def turn(self) -> None:
        """The event loop runs until nothing is left to do: what the network has brought comes before what time has."""
        at_once = [*self.at_once]
        while self.network() or self.timers():
            pass
        self.at_once = at_once

    def network(self) -> bool:
        before = len(self.answers), len(self.closed)
        for conn in self.all_idle():
            if conn.look() != QUIET:
                self.end(conn)
        for pool in self.pools.values():
            for wish in [wish for wish in pool.opening if not wish.address.deaf]:
                self.network_answers(wish)
        for obj in self.objects.values():
            if obj.read and obj.conn:
                self.read_on(obj)
        self.tell_the_lost()
        for wish in [*self.due]:
            self.tell(wish)
        return before != (len(self.answers), len(self.closed))

    def timers(self) -> bool:
        """Each whose time has come, in the order of their times; what one does may save the next."""
        any_came = False
        while (first := min(self.deadlines(), key=lambda one: one[0], default=(NEVER, None)))[0] <= self.now:
            first[1]()
            any_came = True
        return any_came

    def deadlines(self) -> list[tuple[float, Callable[[], None]]]:
        """When time alone changes something, and what."""
        found = [(conn.until, partial(self.end, conn)) for conn in self.all_idle()]
        for pool in self.pools.values():
            found += [(wish.until, partial(self.give_up, wish)) for wish in pool.line]
            found += [(wish.until, partial(self.network_answers, wish)) for wish in pool.opening if wish.address.deaf]
        for obj in self.objects.values():
            found += [(obj.read.until, partial(self.read_timeout, obj))] if obj.read and obj.conn else []
            found += [(obj.write.until, partial(self.write_timeout, obj))] if obj.write and obj.conn else []
        return [(until, then) for until, then in found if until < NEVER]

    def give_up(self, wish: Wish) -> None:
        wish.pool.line.remove(wish)
        self.settle(wish, error("timeout", after=wish.until))
        wish.pool.forget()

    def peer_sends(self, conn: Conn, data: bytes) -> None:
        conn.kernel += data

    def peer_ends(self, conn: Conn, how: str) -> None:
        conn.ended = how
        conn.send_err = "connection reset by peer" if how == RST else ""

    def peer_is_gone(self, conn: Conn) -> None:
        """It has sent a FIN, and answered with a reset to what was sent after that."""
        conn.send_err = "broken pipe"

    # helpers

    def all_idle(self) -> list[Conn]:
        return [conn for pool in self.pools.values() for conn in pool.idle]

    def all_open(self) -> list[Conn]:
        return [conn for pool in self.pools.values() for conn in (*pool.idle, *pool.used)]

    def stats(self) -> dict[str, dict[str, int]]:
        return {
            key: {"size": pool.size or 0, "idle": len(pool.idle), "in_use": len(pool.used), "connecting": len(pool.opening),
                  "queued": len(pool.line)}
            for key, pool in self.pools.items() if pool.total() or pool.line
        }  # fmt: skip
