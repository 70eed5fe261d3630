"""Runs one scenario against one subject and keeps the trace. What went wrong is in the trace, too; judging it is another's work."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.errors import HarnessError, Skip, SubjectError
from judge.journal import Journal, LagMeter
from judge.project import Project
from judge.scenario import Scenario
from judge.servers import Servers
from judge.step_run import StepRun
from judge.subject import Adapter, Subject

REFERENCE = "reference"  # the pool that is inside the load generator


@dataclass(frozen=True)
class Settings:
    out: Path
    seed: int = 1
    scale: float = 1.0


def run(project: Project, scenario: Scenario, adapter: Adapter, settings: Settings, repeat: int) -> Path:
    """Returns the trace's path. It is written in any case, also when this is interrupted."""
    name = f"{scenario.name.replace('/', '_')}__{adapter.name}__{repeat}"
    journal = Journal()
    begin = {
        "scenario": scenario.name, "subject": adapter.name, "repeat": repeat, "seed": settings.seed, "timeout_scale": settings.scale,
        "pool": scenario.pool, "load": scenario.load,
    }
    try:
        with ExitStack() as stack:
            scratch = Path(tempfile.mkdtemp(prefix="poolspec-"))
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
            meter = LagMeter()
            stack.callback(meter.end, journal)
            try:
                one = OneRun(project, scenario, adapter, settings, journal, begin, name, scratch)
                one.load() if scenario.load is not None else one.steps()
            except SubjectError as err:
                journal.note("subject_failed", why=str(err))
            except HarnessError as err:
                journal.note("harness_failed", why=str(err))
            except Skip as err:
                journal.note("skipped", why=str(err))
    finally:
        path = settings.out / "traces" / f"{name}.jsonl"
        journal.save(path)
    return path


class OneRun:
    def __init__(
        self, project: Project, scenario: Scenario, adapter: Adapter, settings: Settings, journal: Journal, begin: dict[str, Any],
        name: str, scratch: Path,
    ) -> None:
        self.project, self.scenario, self.adapter, self.settings, self.journal = project, scenario, adapter, settings, journal
        self.begin, self.name, self.scratch = begin, name, scratch

    def log(self, who: str) -> Path:
        return self.settings.out / "logs" / f"{self.name}.{who}.log"

    def steps(self) -> None:
        with Servers(self.project, self.journal, self.log("server"), self.settings.scale) as servers:
            addresses = self.listen(servers, "full")
            self.journal.note("begin", **self.begin, servers=addresses)
            with Subject(self.adapter, self.journal, self.log("subject"), self.settings.scale) as subject:
                fitting(self.scenario, subject.meet())
                seed = zlib.crc32(f"{self.settings.seed} {self.name}".encode())
                try:
                    StepRun(self.scenario, subject, servers, self.journal, addresses, seed, self.settings.scale).run()
                    subject.quit()
                except SubjectError:
                    self.journal.note("end")
                    servers.close_books()
                    raise
            servers.close_books()

    def listen(self, servers: Servers, trace: str) -> dict[str, str]:
        anywhere = {"tcp": "127.0.0.1:0", "tcp6": "[::1]:0"}
        return {
            one.name: servers.listen(
                one.name, anywhere.get(one.listen) or f"unix:{self.scratch}/{one.name}.sock",
                on=one.on, cycle=one.cycle, behaviours=list(one.behaviours), trace=trace,
            )
            for one in self.scenario.servers
        }

    def load(self) -> None:
        from judge.load_run import run_load

        if self.adapter.name != REFERENCE:
            self.journal.note("begin", **self.begin, servers={})
            raise Skip("load runs drive the reference pool, which is inside the load generator")
        run_load(self)


def fitting(scenario: Scenario, hello: dict[str, Any]) -> None:
    """Skips what the subject has no knob, no observable or no level for."""
    missing = [feature for feature in scenario.needs if feature not in hello.get("features", [])]
    if missing:
        raise Skip(f"the subject has no {', '.join(missing)}")
    if scenario.level and scenario.level not in hello["level"]:
        raise Skip(f"the subject has no {scenario.level} level")
