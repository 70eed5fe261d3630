"""`./run.sh compare-modes`: the forms take turns, round by round, because a machine drifts while the ratio within a round does not."""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judge.errors import UsageError
from judge.modes.exhaustion import exhaust
from judge.modes.forms import FORMS
from judge.modes.measure import Bench, Load
from judge.namespace import NetNamespace, NotAllowed
from judge.project import Project

# Less than half of Linux's local ports: beyond that, a client that closes first finds a free one by a long search in each connect
# (measured: 500 µs and more in place of 35), and the form takes a minute.
REQUESTS = 10_000
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0}


def duration_s(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", text)
    if not found or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 500ms, 2s or 1m")
    return float(found[1]) * UNITS_S[found[2]]


class Progress:
    """A line on standard error that is written over, where that is a terminal."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        if self.live:
            print(f"\r\x1b[Kcompare-modes: {text}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """So that what we have started is ended on that way out, too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def why_not_isolated() -> str | None:
    """The sentence that says why this machine lets us have no namespace."""
    with tempfile.TemporaryDirectory(prefix="poolspec-modes-") as folder:
        try:
            with NetNamespace(Path(folder) / "agent.log"):
                return None
        except NotAllowed as err:
            return str(err)


def compare(bench: Bench, load: Load, rounds: int, seed: int, progress: Progress, keep: Path) -> list[dict[str, Any]]:
    """Form after form in a new order each round. Their latencies go to the folder `keep`, the last round's."""
    found: list[dict[str, Any]] = [
        {"form": form.key, "name": form.name, "about": form.about, "runs": [], "latency": f"{form.key}.hgrm"} for form in FORMS
    ]
    rng = random.Random(seed)
    for number in range(1, rounds + 1):
        for at in rng.sample(range(len(FORMS)), len(FORMS)):
            progress(f"round {number} of {rounds}: {FORMS[at].name}")
            found[at]["runs"].append(bench.run(FORMS[at], load, histogram=keep / found[at]["latency"]))
    return found


def run(args: argparse.Namespace) -> int:
    """Prints the table and writes modes.json, the plots and the page. Returns the exit code."""
    import reports.modes

    project = Project.here(args.variant)
    load = Load(users=args.users, requests=args.requests or (None if args.duration else REQUESTS), duration_s=args.duration,
                limit=args.limit)
    if load.requests and load.requests < load.users:
        raise UsageError(f"{load.users} users need at least as many requests: --requests {load.requests} is too few")
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    progress = Progress()
    with sigterm_as_interrupt(), tempfile.TemporaryDirectory(prefix="poolspec-modes-") as scratch:
        try:
            no_namespace = why_not_isolated()
            bench = Bench(project, args.server, isolated=no_namespace is None)
            forms = compare(bench, load, args.rounds, args.seed, progress, Path(scratch))
            few_ports = {"skipped": no_namespace} if no_namespace else exhaust(bench, load.users, load.limit, progress)
        finally:
            progress.end()
        measured = {
            "schema": "modes/1", "started": started, "server": args.server, "users": load.users, "requests": load.requests,
            "duration_s": load.duration_s, "limit": load.limit, "rounds": args.rounds, "seed": args.seed,
            "no_namespace": no_namespace, "forms": forms, "few_ports": few_ports,
        }
        out = folder_for(args.out, project)
        shutil.copytree(scratch, out, dirs_exist_ok=True)
    (out / "modes.json").write_text(json.dumps(measured, indent=1) + "\n")
    notes = reports.modes.build(out, measured)
    for note in notes:
        print(f"report: {note}", file=sys.stderr)
    print(json.dumps(measured) if args.json else f"{reports.modes.text(measured)}\n\n{out / 'index.html'}")
    return 0


def folder_for(asked: Path | None, project: Project) -> Path:
    from judge.results import new_folder

    if asked is None:
        return new_folder(project.out)
    asked.mkdir(parents=True, exist_ok=True)
    return asked
