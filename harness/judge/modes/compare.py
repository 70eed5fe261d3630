"""`./run.sh compare-modes`: the forms take turns, round by round, because a machine drifts while the ratio within a round does not."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from judge.errors import UsageError
from judge.measurement import keep, now
from judge.modes.exhaustion import exhaust
from judge.modes.forms import FORMS, Load
from judge.modes.lulls import with_lulls
from judge.modes.measure import Bench
from judge.network.namespace import NetNamespace, NotAllowed
from judge.progress import progress
from judge.project import Project
from judge.results import check_out

# Less than half of Linux's local ports: beyond that, a client that closes first finds a free one by a long search in each connect
# (measured: 500 µs and more in place of 35), and the form takes a minute.
REQUESTS = 10_000

def why_not_isolated() -> str | None:
    """The sentence that says why this machine lets us have no namespace."""
    with tempfile.TemporaryDirectory(prefix="poolspec-modes-") as folder:
        try:
            with NetNamespace(Path(folder) / "agent.log"):
                return None
        except NotAllowed as err:
            return str(err)


def compare(bench: Bench, load: Load, rounds: int, seed: int, folder: Path) -> list[dict[str, Any]]:
    """Form after form in a new order each round. Their latencies go below `folder`, the last round's."""
    found: list[dict[str, Any]] = [
        {"form": form.key, "name": form.name, "about": form.about, "runs": [], "latency": f"modes__{bench.server}/{form.key}.hgrm"}
        for form in FORMS
    ]
    (folder / f"modes__{bench.server}").mkdir()
    rng = random.Random(seed)
    for number in range(1, rounds + 1):
        for at in rng.sample(range(len(FORMS)), len(FORMS)):
            progress(f"round {number} of {rounds}: {FORMS[at].name}")
            found[at]["runs"].append(bench.run(FORMS[at], load, histogram=folder / found[at]["latency"]))
    return found


def run(args: argparse.Namespace) -> int:
    """Prints the table and writes modes__SERVER.json, the plots and the page. Returns the exit code."""
    from reports import modes as report

    check_out(args.out)
    project, started = Project.here(args.variant), now()
    load = Load(users=args.users, requests=args.requests or (None if args.duration else REQUESTS),
                duration_s=args.duration and args.duration / 1000, limit=args.limit, idle_ms=args.server_idle)
    if load.requests and load.requests < load.users:
        raise UsageError(f"{load.users} users need at least as many requests: --requests {load.requests} is too few")
    with tempfile.TemporaryDirectory(prefix="poolspec-modes-") as scratch:
        try:
            no_namespace = why_not_isolated()
            bench = Bench(project, args.server, isolated=no_namespace is None)
            forms = compare(bench, load, args.rounds, args.seed, Path(scratch))
            lulls = with_lulls(bench, load)
            few_ports = {"skipped": no_namespace} if no_namespace else exhaust(bench, load)
        finally:
            progress("")
        measured = {
            "schema": "modes/1", "started": started, "server": args.server, "users": load.users, "requests": load.requests,
            "duration_s": load.duration_s, "limit": load.limit,
            "server_idle_ms": load.idle_ms, "rounds": args.rounds, "seed": args.seed,
            "no_namespace": no_namespace, "forms": forms, "lulls": lulls, "few_ports": few_ports,
        }
        page = keep(project, measured, args.out, f"modes__{args.server}", Path(scratch))
    print(json.dumps(measured) if args.json else f"{report.text(measured)}\n\n{page}")
    return 0
