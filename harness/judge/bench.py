"""`bench`: wrk and the load generator, side by side, against the same mock server.

The two take turns, because absolute figures drift on a shared machine while the ratio within a pair does not. The server has
the last core for itself, the client the first. Nothing here passes or fails: it prints what it measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judge.errors import HarnessError
from judge.journal import Journal
from judge.measurement import now
from judge.progress import progress
from judge.project import Project
from judge.results import check_out, new_folder
from judge.servers import Servers

WRK = "/usr/bin/wrk"
CLIENTS = ("load", "wrk")

# Against misbehaving servers: one request in N meets the fault, on whatever connection it is.
MISBEHAVING: dict[str, list[dict[str, Any]]] = {
    "close-after": [{"name": "close-after", "requests": 100, "announced": False}],
    "fin-behind": [{"name": "ok", "repeat": 99}, {"name": "fin-behind"}],
    "reset-request": [{"name": "ok", "repeat": 99}, {"name": "reset-request", "at": "before"}],
    "stray-glued": [{"name": "ok", "repeat": 99}, {"name": "stray-glued", "what": "200"}],
}


class Bench:
    """One server and its clients, each on a core of its own where the machine has two."""

    def __init__(self, project: Project, folder: Path, users: int, seconds: int) -> None:
        self.project, self.folder, self.users, self.seconds = project, folder, users, seconds
        cores = sorted(os.sched_getaffinity(0))
        self.client_core, self.server_core = {cores[0]}, {cores[-1]}

    def run(self, client: str, url: str, name: str) -> dict[str, Any]:
        """One run: client CPU per request, throughput, and the path of its histogram."""
        argv, env = self._load(url, name) if client == "load" else self._wrk(url, name)
        process = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0
        )
        try:
            os.sched_setaffinity(process.pid, self.client_core)
            assert process.stderr is not None
            said = process.stderr.read().decode(errors="replace").strip()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            raise HarnessError(f"{client} ended with {process.returncode}: {said.splitlines()[-1] if said else 'it said nothing'}")
        return self._figures(client, name, usage.ru_utime + usage.ru_stime)

    def _load(self, url: str, name: str) -> tuple[list[str], None]:
        out = self.folder / f"{name}-load"
        return [str(self.project.program("load")), url, "-t", "1", "-c", str(self.users), "-d", f"{self.seconds}s",
                "--pool-size", str(self.users), "--fixed", "--quiet", "--out", str(out)], None

    def _wrk(self, url: str, name: str) -> tuple[list[str], dict[str, str]]:
        script = Path(__file__).with_name("wrk.lua")
        argv = [WRK, "-t1", f"-c{self.users}", f"-d{self.seconds}s", "-s", str(script), url]
        return argv, {**os.environ, "WRK_OUT": str(self.folder / f"{name}-wrk")}

    def _figures(self, client: str, name: str, cpu_s: float) -> dict[str, Any]:
        if client == "load":
            run = json.loads((self.folder / f"{name}-load" / "run.json").read_text())
            requests, elapsed_s, histogram = run["requests"], run["elapsed_s"], f"{name}-load/all.hgrm"
        else:
            run = json.loads((self.folder / f"{name}-wrk.json").read_text())
            requests, elapsed_s, histogram = run["requests"], run["duration_us"] / 1e6, f"{name}-wrk.hgrm"
        if not requests:
            raise HarnessError(f"{client} completed no request against {name}")
        return {"cpu_us_per_request": cpu_s * 1e6 / requests, "throughput": requests / elapsed_s, "histogram": histogram}

    def against(self, name: str, behaviours: list[dict[str, Any]], clients: Sequence[str]) -> dict[str, Any]:
        """One server of its own, the clients one after the other; the server's books tell how each fared."""
        out: dict[str, Any] = {"behaviour": name, "latency": {}}
        for client in clients:
            with self.server(name, behaviours) as (servers, url):
                out["latency"][client] = self.run(client, url, name)["histogram"]
                out[client] = from_books(servers.call("books")["listeners"]["origin"])
        return out

    def server(self, name: str, behaviours: list[dict[str, Any]]) -> RunningServer:
        on = "request" if len(behaviours) > 1 else "connection"
        return RunningServer(self, on, behaviours, self.folder / f"{name}-server.log")


class RunningServer:
    """The mock server on its core, listening; a context that leaves nothing behind."""

    def __init__(self, bench: Bench, on: str, behaviours: list[dict[str, Any]], log: Path) -> None:
        self.servers = Servers(bench.project, Journal(), log)
        self.core, self.on, self.behaviours = bench.server_core, on, behaviours

    def __enter__(self) -> tuple[Servers, str]:
        self.servers.__enter__()
        os.sched_setaffinity(self.servers.child.process.pid, self.core)
        address = self.servers.listen(
            "origin", "127.0.0.1:0", on=self.on, cycle=True, behaviours=self.behaviours, trace="none"
        )
        return self.servers, f"http://{address}/"

    def __exit__(self, *exc: Any) -> None:
        self.servers.__exit__(*exc)


def from_books(books: dict[str, int]) -> dict[str, Any]:
    """What the server saw of a client: a request without a whole response has failed."""
    requests, accepted = books["requests"], books["accepted"]
    return {
        "requests": requests,
        "reuse_rate": (requests - min(accepted, requests)) / requests if requests else None,
        "failed": requests - books["responses"],
        "connections_per_1000": accepted * 1000 / requests if requests else None,
    }


def measure(bench: Bench, pairs: int, rng: random.Random) -> dict[str, Any]:
    result: dict[str, Any] = {"schema": "bench/1", "server": "ok", "bar": 1.0, "users": bench.users,
                              "seconds": bench.seconds, "pairs": [], "misbehaving": []}
    behaviours: list[dict[str, Any]] = [{"name": "ok"}]
    with bench.server("ok", behaviours) as (_, url):
        for client in CLIENTS:  # the first run of a program pays for its pages
            bench.run(client, url, "ok")
        for number in range(1, pairs + 1):
            order = rng.sample(CLIENTS, 2)
            progress(f"pair {number} of {pairs}: {order[0]}, then {order[1]}")
            runs = {client: bench.run(client, url, "ok") for client in order}
            result["latency"] = {client: runs[client].pop("histogram") for client in CLIENTS}
            result["pairs"].append(runs)
    for name, behaviour in MISBEHAVING.items():
        progress(f"against {name}")
        result["misbehaving"].append(bench.against(name, behaviour, CLIENTS))
    progress("")
    return result


def run(args: argparse.Namespace) -> int:
    """Prints the table and writes bench.json, the plots and the page. Returns the exit code."""
    import reports
    import reports.bench

    if shutil.which(WRK) is None:
        raise HarnessError("wrk is missing: ./run.sh setup installs Debian's package")
    project = Project.here()
    check_out(args.out)
    started = now()
    out = args.out or new_folder(project.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="poolspec-bench-") as scratch:
        folder = Path(scratch)
        measured = measure(Bench(project, folder, args.users, args.seconds), args.pairs, random.Random(args.seed))
        shutil.copytree(folder, out, dirs_exist_ok=True)
    measured |= {"started": started, "seed": args.seed}
    (out / "bench.json").write_text(json.dumps(measured, indent=1) + "\n")
    reports.build(out, {"schema": "results/1", "command": "./run.sh bench", "started": started, "seed": args.seed, "bench": measured})
    print(reports.bench.text(measured))
    print(f"\n{out}/index.html")
    return 0
