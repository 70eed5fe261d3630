"""Walks the places at which something below the reference or the load generator can fail. Each session first runs without a fault
and is counted; then once for each point (points.py). Many run side by side: most of a run is waiting."""

from __future__ import annotations

import os
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from judge.progress import progress
from proof.faults.ground import ALL, FAULTY, Ground, Outcome, build
from proof.faults.points import points

SIDE_BY_SIDE = 4  # runs for each core
PLACE = re.compile(r"[a-z0-9_.]+:\d+(?=\+?(:[A-Za-z]+)?$)")  # of a fault that begins at a certain pass of a certain site


@dataclass
class Findings:
    runs: int = 0
    injected: int = 0
    idle: int = 0  # runs whose fault never came to pass
    by_site: Counter[str] = field(default_factory=Counter)
    places: set[tuple[str, str]] = field(default_factory=set)  # a session and the pass of a site, at which something failed
    wrong: list[str] = field(default_factory=list)

    def add(self, name: str, fault: str, outcome: Outcome) -> None:
        self.runs += 1
        fired = max(1, outcome.fired) if fault.startswith("nofile") else outcome.fired
        self.injected += fired
        self.idle += bool(fault) and not fired
        if fault and fired:
            self.by_site[fault.split(":")[0] if "," not in fault else "everywhere"] += 1
            if place := PLACE.match(fault):
                self.places.add((name, place[0]))
        if outcome.wrong:
            again = f"./run.sh faults --session {name}" + (f" --fault '{fault}'" if fault else "")
            self.wrong.append("; ".join(outcome.wrong) + f"\n    again: {again}")

    def summary(self) -> str:
        sites = ", ".join(f"{site} {count}" for site, count in sorted(self.by_site.items()))
        return (
            f"runs by what failed: {sites}\n"
            f"runs: {self.runs}; faults: {self.injected}; places: {len(self.places)}; {len(self.wrong) or 'none'} went wrong"
            f" ({self.idle} runs ended before their fault)"
        )


Run = tuple[str, str]  # a session and a fault; no fault: ""


def run_all(runs: list[Run], found: Callable[[Run, Outcome], None], jobs: int) -> None:
    """Runs them side by side. `found` is called in this thread."""
    todo: queue.SimpleQueue[Run] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Run, Outcome] | BaseException | None] = queue.SimpleQueue()
    over = threading.Event()
    for run in runs:
        todo.put(run)

    def work() -> None:
        try:
            with ExitStack() as stack:
                ground = Ground(stack, FAULTY)
                while not over.is_set():
                    run = todo.get_nowait()
                    done.put((run, ground.run(*run)))
        except queue.Empty:
            pass
        except BaseException as error:  # the caller's thread has to know
            done.put(error)
        done.put(None)

    threads = [threading.Thread(target=work) for _ in range(min(jobs, len(runs)))]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            while (one := done.get()) is not None:
                if isinstance(one, BaseException):
                    raise one
                found(*one)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def walk(names: list[str], full: bool, told: Callable[[int, int], None] = lambda _, __: None, jobs: int = 0) -> Findings:
    """`told` hears how many of how many runs are over."""
    build()
    jobs = jobs or SIDE_BY_SIDE * len(os.sched_getaffinity(0))
    findings, passes = Findings(), {}

    def counted(run: Run, outcome: Outcome) -> None:
        findings.add(*run, outcome)
        if not outcome.wrong:
            passes[run[0]] = outcome.passes

    run_all([(name, "") for name in names], counted, jobs)
    planned = list(plan(passes, full))

    def found(run: Run, outcome: Outcome) -> None:
        findings.add(*run, outcome)
        told(findings.runs - len(names), len(planned))

    run_all(planned, found, jobs)
    return findings


def plan(passes: dict[str, dict[str, int]], full: bool) -> Iterator[Run]:
    for name, counts in passes.items():
        yield from ((name, fault) for fault in points(name, counts, full))


def single(name: str, fault: str) -> Findings:
    build()
    findings = Findings()
    run_all([(name, fault)], lambda run, outcome: findings.add(*run, outcome), 1)
    return findings


def report(session: str | None, fault: str | None, full: bool) -> int:
    """Prints what was found. Returns 0, or 1 where something went wrong."""

    def told(over: int, of: int) -> None:
        if over % 20 == 0 or over == of:
            progress(f"{over} of {of} runs" if over < of else "")

    findings = single(session or "", fault) if fault is not None else walk([session] if session else ALL, full, told)
    for sentence in findings.wrong:
        print(sentence)
    print(findings.summary())
    return 1 if findings.wrong else 0
