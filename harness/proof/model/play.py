"""Plays a program on the real pool and on the model, and stops where they part.

There may be several models: where a fault falls between the commands of a batch, nobody can tell which ones, each possibility is one,
and those that the pool contradicts are dropped. Time is real: a deadline that is near is waited for before the next step, so that no
comparison depends on it; a step that was too slow for that makes the program inconclusive."""

from __future__ import annotations

import copy
import time

from judge.errors import SubjectError
from judge.project import Project
from proof.model.compare import Comparison, shown
from proof.model.model import Model
from proof.model.order import GUARD_MS, Order, Orders
from proof.model.program import Act, Batch, Command, Program, Step, Wait
from proof.model.things import FIN, NEVER, RST, Conn, ok
from proof.model.world import World, now_ms

POLL_S = 0.0002
SOON_MS = 1_000  # no program waits for what is longer


class Parted(Exception):
    """The model and the pool differ. The message is the whole story."""


class Inconclusive(Exception):
    """The machine was too slow: what happened first cannot be told."""


def play(project: Project, program: Program, patience_ms: float) -> None:
    """Raises Parted or Inconclusive."""
    with World(project) as world:
        Play(world, program, patience_ms).run()


class Play:
    def __init__(self, world: World, program: Program, patience_ms: float) -> None:
        self.world, self.program, self.patience_ms = world, program, patience_ms
        self.models = [Model(program.max_idle, program.idle_timeout_ms)]
        self.compare = Comparison(world)
        self.orders = Orders(world)
        self.story: list[str] = []
        self.requests: dict[int, int] = {}  # by connection
        self.half: set[int] = set()  # connections whose server reads on after its FIN

    def run(self) -> None:
        settings = {"max_idle": self.program.max_idle, "idle_timeout_ms": self.program.idle_timeout_ms}
        self.story.append(f"configure {settings}")
        try:
            self.models[0].answer(self.world.ask("configure", **settings), ok())
            self.agree()
            for step in self.program.steps:
                self.step(step)
            self.world.subject.quit()
        except SubjectError as err:
            raise self.parted(f"{err}\n{self.world.log()}") from None

    def step(self, step: Step) -> None:
        while self.deadline() - now_ms() < GUARD_MS:
            self.wait()
        now = now_ms()
        for model in self.models:
            model.now = now
            model.at_once.clear()
        match step:
            case Wait():
                if self.deadline() - now < SOON_MS:
                    self.story.append(str(step))
                    self.wait()
            case Act():
                self.act(step)
            case Batch():
                self.batch(step)
            case Command():
                self.command(step)
        if now_ms() >= self.deadline():
            raise Inconclusive

    # time

    def deadline(self) -> float:
        return min((t for model in self.models for t, _ in model.deadlines()), default=NEVER)

    def wait(self) -> None:
        """Lets the next deadline pass, and all that are near it."""
        last = self.deadline()
        for t in sorted(t for model in self.models for t, _ in model.deadlines()):
            last = t if t - last < GUARD_MS else last
        time.sleep(max(0.0, last - now_ms()) / 1000)
        for model in self.models:
            model.at_once.clear()
            while (t := min((t for t, _ in model.deadlines()), default=NEVER)) <= last:
                model.now = t  # one after the other, as they come: each counts anew what it starts
                model.turn()
        self.agree()

    # peers

    def act(self, act: Act) -> None:
        conn = self.target(act)
        if conn is None:
            return
        self.story.append(f"{act} (c{conn.tag})")
        self.happen(conn.tag, act)
        for model in self.models:
            befall(model, conn.tag, act)
            model.turn()
        self.agree()

    def target(self, act: Act) -> Conn | None:
        """The connection that is meant, if its peer can still do such a thing."""
        model = self.models[0]
        if act.whose in ("oldest", "newest"):
            idle = model.all_idle()
            conn = idle[0 if act.whose == "oldest" else -1] if idle else None
        else:
            conn = model.object(act.whose).conn
        if conn is None or conn.ended or conn.send_err or (act.do == "stop_reading" and conn.stuck):
            return None
        if act.do in ("rst", "urgent") and (conn.kernel or not self.world.is_tcp(conn.address)):
            return None  # a unix socket has neither, and an urgent byte cuts a read in two
        return conn

    def happen(self, tag: int, act: Act) -> None:
        self.world.act(tag, act.do, act.data)
        if act.do == "half_close":
            self.half.add(tag)

    # commands

    def command(self, command: Command) -> None:
        model = self.models[0]
        if command.sock and command.op != "cancel" and model.object(command.sock).busy():
            return  # the adapter would hold it back
        if order := self.orders.order(command, model):
            number = self.world.ask(order.op, **order.fields)
            self.called([order], [number], None)

    def batch(self, batch: Batch) -> None:
        conn = self.target(batch.fault) if batch.fault else None
        if conn and conn.pool.line:
            conn = None  # whoever is served next would be half-way when the batch begins
        orders, block = self.orders.rehearse(batch, self.models[0], conn)
        if not orders:
            return
        fault = batch.fault if conn and block is not None else None
        before = self.look(conn) if fault else None
        begun = self.models[0].now
        last = self.world.ask_batch([(order.op, order.fields) for order in orders])
        numbers = [*range(last - len(orders), last + 1)]
        if fault:
            self.happen(conn.tag, fault)
            while before is not None and self.look(conn) == before and now_ms() < begun + orders[block].fields["ms"]:
                time.sleep(POLL_S)
            if now_ms() >= begun + orders[block].fields["ms"]:
                raise Inconclusive
            self.models = [
                suffered(model, orders, numbers, conn.tag, fault, at) for model in self.models for at in range(-1, block + 1)
            ]
        self.called(orders, numbers, f"meanwhile, {fault} (c{conn.tag})" if fault else None)

    def look(self, conn: Conn) -> tuple[str, int] | None:
        return self.world.look(conn.tag, conn.address) if self.world.is_tcp(conn.address) else None

    def called(self, orders: list[Order], numbers: list[int], meanwhile: str | None) -> None:
        """The commands are on their way. What comes of them?"""
        for model in self.models:
            if not meanwhile:
                commanded(model, orders, numbers)
            model.turn()
        self.story += [f"{'  ' if len(numbers) > 1 else ''}{order}" for order in orders]
        at = len(self.story) - len(orders)
        if len(numbers) > 1:
            self.story.insert(at, "in one turn of the loop:")
            at += 1
        if meanwhile:
            self.story.append(f"  {meanwhile}")
        answers = self.models[0].answers
        sent = {number: order for order, number in zip(orders, numbers, strict=False) if order.op == "send" and number in answers}
        silent = [why for number, order in sent.items() if answers[number]["ok"] and (why := self.respond(order, number))]
        for model in self.models:
            model.turn()
        self.agree()
        if silent:
            raise self.parted(silent[0])
        answers = self.models[0].answers
        for n, number in enumerate(numbers[: len(orders)]):
            self.story[at + n] += f"   {shown(answers[number]) if number in answers else '... waits'}"

    def respond(self, order: Order, number: int) -> str | None:
        """The server's part of a request that was sent; or that it does nothing."""
        for model in self.models:
            own = model.answers[number]["conn"]
            if own.tag is None:  # opened in this very batch, which only a unix socket can be
                self.world.notes.wait(lambda own=own: self.compare.identify_local(own) is None or None, self.patience_ms)
        conn = self.models[0].answers[number]["conn"]
        if conn.tag is None:
            return "the unix socket's server has not accepted the connection"
        if conn.stuck:
            return None
        self.requests[conn.tag] = req = self.requests.get(conn.tag, 0) + 1
        kind = "request" if conn.tag in self.half else "late" if conn.ended else "response"
        if not self.witness(conn.tag, kind, None if kind == "late" else req):
            return f"c{conn.tag}'s server tells of no {kind} {req}"
        for model in self.models:
            own = model.answers[number]["conn"]
            if kind == "late":
                model.peer_is_gone(own)
            elif kind == "response":
                model.peer_sends(own, self.orders.response(own, req, order))
        return None

    def witness(self, tag: int, kind: str, req: int | None) -> bool | None:
        def seen() -> bool | None:
            return any(event["ev"] == kind and req in (None, event.get("req")) for event in [*self.world.notes.of[tag]]) or None

        return self.world.notes.wait(seen, self.patience_ms)

    # the verdict

    def agree(self) -> None:
        """Waits until what has been seen is what a model says, and nothing else can come."""
        until = now_ms() + self.patience_ms
        while True:
            if self.world.subject.child.trouble:
                raise self.world.subject.error("")
            found = [(model, self.compare.differs(model)) for model in self.models]
            if any(difference is None for _, difference in found):
                stats = self.world.stats()
                found = [(model, difference or self.compare.stats(model, stats)) for model, difference in found]
            agreeing = [model for model, difference in found if difference is None]
            if agreeing:
                self.models = agreeing
                return self.compare.accept(agreeing)
            if now_ms() >= self.deadline():
                raise Inconclusive
            first = found[0][1]
            self.models = [model for model, difference in found if not difference.final]
            if not self.models or now_ms() >= until:
                raise self.parted(first.text)
            time.sleep(POLL_S)

    def parted(self, why: str) -> Parted:
        return Parted("\n".join([
            f"The pool and the model part: {why}", *(f"{n:4} {line}" for n, line in enumerate(self.story)), "",
            "By hand, line by line, to build/release/server --control and to ./run.sh subject reference:", self.world.transcript(),
        ]))  # fmt: skip


def befall(model: Model, tag: int, act: Act) -> None:
    conn = next((conn for conn in model.all_open() if conn.tag == tag), None)
    if conn and act.do == "stop_reading":
        conn.stuck = True
    elif conn and act.data:
        model.peer_sends(conn, act.data.encode())
    elif conn:
        model.peer_ends(conn, RST if act.do == "rst" else FIN)


def commanded(model: Model, orders: list[Order], numbers: list[int]) -> None:
    for order, number in zip(orders, numbers, strict=False):
        order.on(model, number)
    for batch in numbers[len(orders) :]:
        model.answer(batch, ok())


def suffered(model: Model, orders: list[Order], numbers: list[int], tag: int, fault: Act, at: int) -> Model:
    """The model, had the fault come right before command `at`; -1: before the loop came to the batch."""
    other = copy.deepcopy(model)
    if at < 0:
        befall(other, tag, fault)
        other.turn()
        other.at_once = [number for number in other.answers if number not in model.answers]
    for n, (order, number) in enumerate(zip(orders, numbers, strict=False)):
        if n == at:
            befall(other, tag, fault)
        order.on(other, number)
    other.answer(numbers[-1], ok())
    return other
