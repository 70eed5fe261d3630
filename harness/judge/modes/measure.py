"""One form of the load, once, in a namespace of its own: what it cost, and what it left in the kernel's tables."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.child import ending
from judge.errors import HarnessError
from judge.modes.forms import Form, Load
from judge.modes.origin import ORIGINS, cpu_ns, give_last_core
from judge.network.namespace import LIKE_A_NETWORK, NetNamespace
from judge.project import Project
from judge.sockets import SIDES

SPARE_S = 120  # beyond the load's own duration: it hangs
SETTLE_S = 2  # in which connections that are being closed have to have come to TIME_WAIT or to nothing
PASSING = ("ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "CLOSING", "LAST_ACK")
SHOWN = ("ESTABLISHED", "TIME_WAIT", "CLOSE_WAIT")
LATENCIES = ("p50", "p90", "p99", "p99_9", "max")
COUNTERS = ("PassiveOpens", "OutSegs", "OutRsts")


@dataclass(frozen=True)
class Bench:
    project: Project
    server: str  # of ORIGINS
    isolated: bool = True

    def run(
        self, form: Form, load: Load, settings: dict[str, str] = LIKE_A_NETWORK, histogram: Path | None = None,
    ) -> dict[str, Any]:
        """settings: of the namespace, as in NetNamespace.  histogram: where the latencies go."""
        with tempfile.TemporaryDirectory(prefix="poolspec-modes-") as scratch:
            folder = Path(scratch)
            with (
                NetNamespace(folder / "agent.log", settings, self.isolated) as namespace,
                ORIGINS[self.server](self.project, namespace, form, load, folder) as origin,
            ):
                give_last_core(origin.pid)
                argv = [self.project.program("load"), f"http://{origin.address}/", *load.options(), *form.load]
                argv += ["--out", str(folder / "load")]
                limit_s = (load.duration_s or 0) + SPARE_S
                measured = self._measure(namespace, origin, namespace.within(argv), limit_s)
                run = json.loads((folder / "load" / "run.json").read_text())
                if histogram:
                    shutil.copyfile(folder / "load" / "all.hgrm", histogram)
                return figures(run, **measured) | {"ended": origin.ended(run) if form.pooled else None}

    def _measure(self, namespace: NetNamespace, origin: Any, argv: list[str], limit_s: float) -> dict[str, Any]:
        port = int(origin.address.rpartition(":")[2])
        tcp, used_ns = namespace.call("tcp"), cpu_ns(origin.pid)
        namespace.call("watch", port=port)
        begun_ns = time.monotonic_ns()
        run_to_end(argv, limit_s)
        used_ns = cpu_ns(origin.pid) - used_ns
        namespace.call("unwatch")
        left, now = settled(namespace, port), namespace.call("tcp")
        looks = [event for event in namespace.journal.events if event["ev"] == "sockets"]
        return {
            "server_us": used_ns / 1e3, "sockets": [sample(look, begun_ns) for look in (*looks, left)],
            "tcp": {name: now[name] - tcp[name] for name in COUNTERS} if self.isolated else None,  # else everybody's
        }


def run_to_end(argv: list[str], limit_s: float) -> None:
    """The load generator on the first core. Whatever happens, it is gone afterwards."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0)
    try:
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        _, said = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise HarnessError(f"the load generator does not end within {limit_s:.0f} s") from None
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise HarnessError(f"the load generator failed: {ending(process.returncode)}: {said.decode(errors='replace').strip()[-300:]}")


def settled(namespace: NetNamespace, port: int) -> dict[str, Any]:
    """What is left when nothing is on its way any more."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        look = namespace.call("counts", port=port)
        if not any(look[side].get(state) for side in SIDES for state in PASSING) or time.monotonic() > deadline:
            return look
        time.sleep(0.01)


def sample(look: dict[str, Any], begun_ns: int) -> dict[str, Any]:
    """One look at the table of sockets."""
    counts = {side: {state: look[side].get(state, 0) for state in SHOWN} for side in SIDES}
    return {"t_s": round((look["t"] - begun_ns) / 1e9, 4), **counts}


def figures(
    run: dict[str, Any], server_us: float, sockets: list[dict[str, Any]], tcp: dict[str, int] | None
) -> dict[str, Any]:
    """What a run came to, and what one answered request cost of it. run: the load generator's own result."""
    ok = run["ok"]
    opened = tcp["PassiveOpens"] if tcp else run["connections_opened"]
    client_us = run["user_us"] + run["sys_us"]
    costs = {
        "client_cpu_us": client_us, "server_cpu_us": server_us, "cpu_us": client_us + server_us, "handshakes": opened,
        "teardowns": run["connections_opened"] - run["closed"]["stopping"],  # those are closed when the load is over
        "segments": tcp["OutSegs"] if tcp else None,
    }
    return {
        "requests": run["requests"], "ok": ok, "failed": run["failed"], "errors": run["errors"], "elapsed_s": run["elapsed_s"],
        "throughput": run["throughput"], "latency_us": {name: run["latency_us"]["all"][name] for name in LATENCIES},
        "per_request": {name: cost / ok if ok and cost is not None else None for name, cost in costs.items()},
        "peak": {side: {state: max(one[side][state] for one in sockets) for state in SHOWN} for side in SIDES},
        "left": {side: sockets[-1][side] for side in SIDES},
        "sockets": sockets,
    }
