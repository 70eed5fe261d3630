"""Runs one scenario against one subject and keeps the trace. What went wrong is in the trace, too; judging it is another's
work."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.deaf import DEAF, Deaf
from judge.errors import HarnessError, Skip, SubjectError
from judge.journal import Journal
from judge.lag import LagMeter
from judge.name_server import NameServer
from judge.network.network import Network
from judge.project import REFERENCE, Project
from judge.real_server import RealServer
from judge.scenario import Scenario
from judge.servers import Servers
from judge.step_run import StepRun
from judge.subject import Adapter, Subject
from judge.table import shown


@dataclass(frozen=True)
class Settings:
    out: Path
    seed: int = 1
    scale: float = 1.0
    scratch: Path | None = None  # a folder for temporary ones; None: where the system has them


def run_name(scenario: Scenario, adapter: Adapter, repeat: int) -> str:
    """What the files of a run are called."""
    return f"{scenario.name.replace('/', '_')}__{adapter.name}__{repeat}"


def trace_path(settings: Settings, name: str) -> Path:
    return settings.out / "traces" / f"{name}.jsonl"


def run(project: Project, scenario: Scenario, adapter: Adapter, settings: Settings, repeat: int) -> Path:
    """Returns the trace's path. It is written in any case, also when this is interrupted."""
    journal = Journal()
    path = trace_path(settings, run_name(scenario, adapter, repeat))
    try:
        with ExitStack() as stack:
            scratch = Path(tempfile.mkdtemp(prefix="poolspec-", dir=settings.scratch))
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
            meter = LagMeter()
            stack.callback(meter.end, journal)
            OneRun(project, scenario, adapter, settings, repeat, journal, meter, scratch).run()
    except BaseException:
        with suppress(HarnessError):  # the interruption is the news
            journal.save(path)
        raise
    journal.save(path)
    return path


@dataclass
class OneRun:
    project: Project
    scenario: Scenario
    adapter: Adapter
    settings: Settings
    repeat: int
    journal: Journal
    meter: LagMeter
    scratch: Path  # a folder that is gone afterwards

    def run(self) -> None:
        try:
            self.steps() if self.scenario.steps else self.load()
        except SubjectError as err:
            self.journal.note("subject_failed", why=str(err))
        except HarnessError as err:
            self.journal.note("harness_failed", why=str(err))
        except Skip as err:
            self.journal.note("skipped", why=str(err))

    @property
    def name(self) -> str:
        return run_name(self.scenario, self.adapter, self.repeat)

    def begin(self, addresses: dict[str, str]) -> None:
        """The trace's first line: what it is a trace of."""
        self.journal.note(
            "begin", scenario=self.scenario.name, file=shown(self.scenario.path), subject=self.adapter.name,
            repeat=self.repeat, seed=self.settings.seed, timeout_scale=self.settings.scale, servers=addresses,
            pool=self.scenario.pool, load=self.scenario.load, sweep=self.scenario.sweep,
            real=self.scenario.real,
        )

    def log(self, who: str) -> Path:
        return self.settings.out / "logs" / f"{self.name}.{who}.log"

    def network(self) -> AbstractContextManager[Network | None]:
        if self.scenario.network is None:
            return nullcontext()
        return Network(self.scenario.network, self.journal, self.log, self.settings.scale)

    def steps(self) -> None:
        scale = self.settings.scale
        with ExitStack() as others:
            try:
                network = others.enter_context(self.network())
            except Skip:
                self.begin({})
                raise
            servers, addresses = self.serve(others, network)
            self.meter.watch("server", servers.child.process.pid)
            deaf = [one.name for one in self.scenario.servers if one.listen == DEAF]
            addresses |= {name: others.enter_context(Deaf()).address for name in deaf}
            names = others.enter_context(NameServer(self.scenario.names, self.journal)) if self.scenario.names else None
            self.begin(addresses)
            inside = network.client if network else None
            with Subject(self.adapter, self.journal, self.log("subject"), scale, inside) as subject:
                self.meter.watch("subject", subject.child.process.pid)
                fitting(self.scenario, subject.meet())
                seed = zlib.crc32(f"{self.settings.seed} {self.name}".encode())
                try:
                    StepRun(
                        self.scenario, subject, servers, self.journal, addresses, seed, scale, names.address if names else None,
                        network,
                    ).run()
                    subject.quit()
                except SubjectError:
                    self.journal.note("end")
                    servers.close_books()
                    raise
            servers.close_books()

    def serve(self, others: ExitStack, network: Network | None) -> tuple[Servers | RealServer, dict[str, str]]:
        scale, log = self.settings.scale, self.log("server")
        if self.scenario.real:
            folder = self.scratch / "real"
            real = RealServer(
                self.project, self.scenario.real, network.server, network.address, self.journal, log, folder, scale,
            )
            return others.enter_context(real), {"origin": real.address}
        inside = network.server if network else None
        servers = others.enter_context(Servers(self.project, self.journal, log, scale, inside))
        return servers, self.listen(servers, "full", network.address if network else "127.0.0.1")

    def listen(self, servers: Servers, trace: str, address: str = "127.0.0.1", port: int = 0) -> dict[str, str]:
        """port: of the only server; 0: any."""
        anywhere = {"tcp": f"{address}:{port}", "tcp6": f"[::1]:{port}"}
        return {
            one.name: servers.listen(
                one.name, anywhere.get(one.listen) or f"unix:{self.scratch}/{one.name}.sock",
                on=one.on, cycle=one.cycle, behaviours=list(one.behaviours), trace=trace,
            )
            for one in self.scenario.servers
            if one.listen != DEAF
        }

    def load(self) -> None:
        from judge.load_run import run_load
        from judge.sweep.run import run_sweep

        if self.adapter.name != REFERENCE:
            self.begin({})
            raise Skip("load runs drive the reference pool, which is inside the load generator")
        run_load(self) if self.scenario.sweep is None else run_sweep(self)


def fitting(scenario: Scenario, hello: dict[str, Any]) -> None:
    """Skips what the subject has no knob, no observable or no level for."""
    missing = [feature for feature in scenario.needs if feature not in hello["features"]]
    if missing:
        raise Skip(f"the subject has no {', '.join(missing)}")
    if scenario.level and scenario.level not in hello["level"]:
        raise Skip(f"the subject has no {scenario.level} level")
