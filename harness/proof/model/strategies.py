"""How random programs are made: few names and small numbers, so that everything meets everything.

hypothesis draws numbers, and each number is a scene of some steps: a program of scenes is drawn much faster than one of single steps."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from proof.model.program import Act, Batch, Command, Program, Step, Wait, command

SHORT_MS, LONGER_MS = 80, 200
BLOCKS_MS = [40, 40, 40, 130]  # in the last one a short time passes
SOCKS = "abcde"
CALLS = "connect connect connect setkeepalive setkeepalive setkeepalive get receive close getreusedtimes settimeouts cancel".split()
READS = [("bytes", "rest"), ("bytes", "rest"), ("line", None), ("bytes", 5), ("bytes", 0), ("any", 4096), ("any", 3), ("all", None)]
SENDS = ["x", "a line\r\n", "z" * 5000]
DEEDS = [("fin", ""), ("rst", ""), ("half_close", ""), *(("send", data) for data in SENDS), ("urgent", "!"), ("stop_reading", "")]
SCENES = 2 * "visit crowd misfortune call call call call act act batch batch batch".split() + "held_up held_up wait stop jam".split()


class Scenes:
    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.some = self.random.choice

    def steps(self) -> list[Step]:
        return [step for _ in range(self.random.randint(1, 8)) for step in getattr(self, self.some(SCENES))()]

    # what a scene is made of

    def visit(self) -> list[Step]:
        """An ordinary user: connect, ask, read the answer, and give the connection back."""
        sock = self.some(SOCKS)
        back = self.some([self.setkeepalive, self.setkeepalive, self.setkeepalive, self.close])
        return [self.connect(sock), command("get", sock), command("receive", sock, how="bytes", n="rest"), back(sock)]

    def crowd(self) -> list[Step]:
        """Several at one server at the same time, who leave in another order, one by one or all at once."""
        socks = self.random.sample(SOCKS, self.random.randint(2, len(SOCKS)))
        like = self.connect("")
        comes = [Command("connect", sock, like.fields) for sock in socks]
        size = self.some([None, None, 1, 2, 3])
        leaves = [command("setkeepalive", sock, size=size) for sock in self.random.sample(socks, len(socks))]
        return [*self.maybe_batched(comes), *self.maybe_batched(leaves[: self.random.randint(0, len(leaves))])]

    def maybe_batched(self, commands: list[Command]) -> list[Step]:
        return [Batch(tuple(commands))] if self.random.random() < 0.3 and commands else [*commands]

    def call(self) -> list[Step]:
        return [self.any_call()]

    def act(self) -> list[Step]:
        return [self.deed()]

    def batch(self) -> list[Step]:
        calls = [self.any_call() for _ in range(self.random.randint(1, 5))]
        return [Batch(tuple(calls))]

    def held_up(self) -> list[Step]:
        """A busy application, and what happens meanwhile."""
        before = [self.any_call() for _ in range(self.random.randint(0, 2))]
        after = [self.any_call() for _ in range(self.random.randint(1, 3))]
        fault = self.some([None, self.deed(), self.deed(), self.deed()])
        return [Batch((*before, command("block", ms=self.some(BLOCKS_MS)), *after), fault)]

    def misfortune(self) -> list[Step]:
        """A user whose server does something while the connection is in use."""
        sock = self.some(SOCKS)
        read = self.some([[], [self.receive(sock)]])
        return [self.connect(sock), command("get", sock), *read, Act(sock, *self.some(DEEDS)),
                *(self.any_call(sock) for _ in range(self.random.randint(1, 3)))]  # fmt: skip

    def jam(self) -> list[Step]:
        """A send that has to wait, and what is asked meanwhile."""
        sock = self.some(SOCKS)
        meanwhile = [self.any_call(self.some([sock, sock, None])) for _ in range(self.random.randint(0, 3))]
        push = Batch((command("push", sock), *meanwhile))
        return [command("connect", sock, to="U"), Act(sock, "stop_reading"), push, *self.some([[], [self.deed()], [self.cancel(sock)]])]

    def wait(self) -> list[Step]:
        return [Wait()]

    def stop(self) -> list[Step]:
        return [command("stop")] if self.random.random() < 0.2 else []

    def deed(self) -> Act:
        return Act(self.some([*SOCKS, "oldest", "newest", "newest"]), *self.some(DEEDS))

    # calls

    def any_call(self, sock: str | None = None) -> Command:
        return getattr(self, self.some(CALLS))(sock or self.some(SOCKS))

    def connect(self, sock: str) -> Command:
        kind = self.some(["plain", "plain", "plain", "lined", "wishful"])
        if kind == "plain":
            return command("connect", sock, to=self.some("AAAAAABBBUUURMD"))
        if kind == "lined":
            return command("connect", sock, to=self.some("AAUD"), pool_size=self.some([1, 1, 2]), backlog=self.some([1, 2]))
        pool = self.some([None, None, "p", "p", "="])  # "=": the name that A's pool has by itself
        size, backlog = self.some([None, 1, 1, 2, 3, 0, -1]), self.some([None, 0, 1, 1, 2, 2, -1])
        return command("connect", sock, to=self.some("AAAABURMDNE"), pool=pool, pool_size=size, backlog=backlog)

    def get(self, sock: str) -> Command:
        return command("get", sock)

    def receive(self, sock: str) -> Command:
        how, n = self.some(READS)
        return command("receive", sock, how=how, n=n)

    def setkeepalive(self, sock: str) -> Command:
        timeout = self.some([None, None, None, 0, SHORT_MS, SHORT_MS, LONGER_MS, -1])
        return command("setkeepalive", sock, timeout_ms=timeout, size=self.some([None, None, None, 1, 1, 2, 3, 0]))

    def close(self, sock: str) -> Command:
        return command("close", sock)

    def getreusedtimes(self, sock: str) -> Command:
        return command("getreusedtimes", sock)

    def settimeouts(self, sock: str) -> Command:
        connect, send, read = (self.some([None, SHORT_MS, SHORT_MS, SHORT_MS, -1]) for _ in range(3))
        return command("settimeouts", sock, connect_ms=connect, send_ms=send, read_ms=read)

    def cancel(self, sock: str) -> Command:
        return command("cancel", sock, last=self.some([None, True]))


def program_of(max_idle: int, idle_timeout_ms: float, scenes: list[int]) -> Program:
    return Program(max_idle, idle_timeout_ms, tuple(step for number in scenes for step in Scenes(number).steps()))


def programs() -> st.SearchStrategy[Program]:
    numbers = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12)
    return st.builds(program_of, st.sampled_from([2, 2, 1, 3, 30]), st.sampled_from([60_000, 0, SHORT_MS]), numbers)
