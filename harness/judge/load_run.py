"""A load run: the load generator against the mock server, or a real one; its result and the server's books into the trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from judge.child import ending
from judge.errors import Skip, SubjectError
from judge.network.namespace import SERVER_PORT, NetNamespace, NotAllowed, few_ports
from judge.real_server import running
from judge.servers import Servers

if TYPE_CHECKING:
    from judge.runner import OneRun

SPARE_S = 60  # beyond the run's own duration, times --timeout-scale: it hangs
OPTIONS = {  # [load] key → option, and the unit behind the number
    "users": ("-c", ""), "workers": ("-t", ""), "rate": ("-R", ""), "requests": ("-n", ""), "duration_s": ("-d", "s"),
    "think_ms": ("--think", "ms"), "pool_size": ("--pool-size", ""), "idle_timeout_ms": ("--idle-timeout", "ms"),
    "timeout_ms": ("--timeout", "ms"),
}
FLAGS = {"no_pool": "--no-pool", "close_first": "--close-first"}


def run_load(one: OneRun) -> None:
    if one.scenario.real:
        with running(one.scenario.real, one.scratch / one.scenario.real["kind"]) as server:
            one.begin({"origin": server.address})
            drive(one, server.address)
            one.journal.note("end")
        return
    with ExitStack() as stack:
        namespace = stack.enter_context(namespace_of(one)) if "ports" in one.scenario.load else None
        servers = stack.enter_context(Servers(one.project, one.journal, one.log("server"), one.settings.scale, namespace))
        one.meter.watch("server", servers.child.process.pid)
        addresses = one.listen(servers, "counters", port=SERVER_PORT if namespace else 0)
        one.begin(addresses)
        try:
            drive(one, addresses["origin"], namespace)
        finally:
            one.journal.note("end")
            servers.close_books()


@contextmanager
def namespace_of(one: OneRun) -> Iterator[NetNamespace]:
    """With as many local ports as the load is to have."""
    try:
        with NetNamespace(one.log("namespace"), few_ports(one.scenario.load["ports"]), scale=one.settings.scale) as namespace:
            yield namespace
    except NotAllowed as err:
        one.begin({})
        raise Skip(str(err)) from None


def drive(one: OneRun, address: str, namespace: NetNamespace | None = None) -> None:
    """Runs the load generator, in the namespace, and reads what it leaves."""
    folder = one.settings.out / "load" / one.name
    requests = one.scratch / "requests.jsonl"
    argv = [str(one.project.program("load")), f"http://{address}" + (":/" if address.startswith("unix:") else "/")]
    for key, value in one.scenario.load.items():
        if key in OPTIONS:
            option, unit = OPTIONS[key]
            argv += [option, f"{value}{unit}"]
    argv += [option for key, option in FLAGS.items() if one.scenario.load.get(key)]
    argv += ["--seed", str(one.settings.seed), "--out", str(folder), "--trace", str(requests), "--quiet"]
    limit = (one.scenario.load.get("duration_s", 0) + SPARE_S) * one.settings.scale
    status, tail = wait_for(namespace.within(argv) if namespace else argv, limit)
    result = folder / "run.json"
    if status != 0 or not result.exists():
        raise SubjectError(f"the load generator, with the reference pool in it, failed: {ending(status)}: {tail}")
    try:
        events = [json.loads(line) for line in requests.read_text(encoding="utf-8").splitlines()]
        found = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise SubjectError(f"the load generator left no readable result: {err}") from None
    for event in events:
        one.journal.add(event)
    one.journal.note("load_result", run=found)


def wait_for(argv: list[str], limit_s: float) -> tuple[int, str]:
    """Exit status and the last words. On Ctrl-C it is told to stop, and may write what it has measured."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0)
    try:
        _, said = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise SubjectError(f"the load generator, with the reference pool in it, does not end within {limit_s:.0f} s") from None
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(3)
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode, said.decode(errors="replace").strip()[-400:]
