"""A scenario's [sweep]: its plan against its server, and every pair into the trace.

    gaps_ms             the idle times that are tried
    pairs, rate         pairs of requests at each; how many begin in a second (150)
    idle_timeout_ms     of the pool (0: for ever)
    watch               false: the pool that does not watch its idle connections, as a control (true)"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from judge.real_server import running
from judge.servers import Servers
from judge.sweep.drive import gap_program, run_plan
from judge.sweep.plan import Plan

if TYPE_CHECKING:
    from judge.runner import OneRun


def run_sweep(one: OneRun) -> None:
    if one.scenario.real:
        with running(one.scenario.real, one.scratch / one.scenario.real["kind"]) as server:
            sweep(one, server.address)
            one.journal.note("end")
        return
    with Servers(one.project, one.journal, one.log("server"), one.settings.scale) as servers:
        one.meter.watch("server", servers.child.process.pid)
        sweep(one, one.listen(servers, "none")["origin"])
        one.journal.note("end")
        servers.close_books()


def sweep(one: OneRun, address: str) -> None:
    asked = one.scenario.sweep
    plan = Plan(tuple(asked["gaps_ms"]), asked["pairs"], asked["rate"], one.settings.seed)
    program = gap_program(one.project, asked["watch"])
    one.begin({"origin": address})
    samples, lost = run_plan(program, f"http://{address}/", plan, asked["idle_timeout_ms"], one.settings.scale)
    one.journal.note("sweep_result", samples=[dataclasses.asdict(sample) for sample in samples], lost=lost)
