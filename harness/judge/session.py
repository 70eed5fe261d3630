"""A scenario run from selection to reports: what `./run.sh scenario` does."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from judge import claims, gate, known_failing, output, record
from judge.canary import judge_canary
from judge.console import Console
from judge.errors import HarnessError, UsageError
from judge.names import nearest
from judge.project import REFERENCE, Project
from judge.results import Results, check_out, new_folder
from judge.scenario import Scenario, check_controls, load_scenarios, read_scenario
from judge.subject import Adapter, find_adapter
from judge.table import shown
from judge.verdicts import INTERRUPTED, UNCLEAR, heavier


@dataclass(frozen=True)
class Wish:
    """The command line of a scenario run."""

    names: tuple[str, ...] = ()
    subjects: tuple[str, ...] = (REFERENCE,)
    seed: int = 1
    repeat: int = 1
    jobs: int = 1
    scale: float = 1.0
    full: bool = False
    strict: bool = False
    out: Path | None = None
    json: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    fail_on: str = ""
    record: bool = False
    command: str = "scenario"


def select(wish: Wish, known: dict[str, Scenario], project: Project) -> list[Scenario]:
    """What the names mean, controls first. Slow ones run when they are named or under --full."""
    found: dict[str, Scenario] = {}
    for name in wish.names or ("*",):
        if name.endswith(".toml"):
            scenario = read_scenario(Path(name), project)
            known = known | {scenario.name: scenario}
            check_controls(scenario, known)
            matches = [scenario]
        else:
            matches = [known[one] for one in known if fnmatchcase(one, name)]
            matches = [one for one in matches if wish.full or one.name == name or "slow" not in one.tags]
        if not matches and wish.names:
            raise UsageError(f'no scenario is called or matches "{name}"{nearest(name, known)}')
        found |= {one.name: one for one in matches}
    if not found:
        raise UsageError("there is no scenario to run")
    ordered: dict[str, Scenario] = {}

    def place(scenario: Scenario) -> None:
        for control in scenario.depends_on:
            place(known[control])
        ordered.setdefault(scenario.name, scenario)

    for scenario in found.values():
        place(scenario)
    return list(ordered.values())


def run_scenarios(wish: Wish, project: Project, console: Console) -> int:
    terms = gate.parse(wish.fail_on)
    check_out(wish.out)
    adapters = [find_adapter(name, project) for name in wish.subjects]
    if len({adapter.name for adapter in adapters}) < len(adapters):
        raise UsageError(f"two subjects have the same name: {', '.join(wish.subjects)}")
    known = load_scenarios(project)
    scenarios = select(wish, known, project)
    listed = [entry for adapter in adapters for entry in known_failing.load_known(adapter.known_failing)]
    for program in ("server", "load"):
        project.program(program)
    out = prepare(wish.out or new_folder(project.out))
    results = Results(wish.command, out, wish.seed, wish.scale)
    drive(wish, project, known, scenarios, adapters, results, console)
    cited = {(one.name, check.clause) for one in known.values() for check in one.checks}
    pairs = cited | {(one, clause) for one in known for clause in project.clauses}
    results.finish({one.name: one.depends_on for one in scenarios}, listed, pairs, terms)
    told = {"schema": "claims/1", "documents": claims.documents(project, known)}
    code = report(wish, results, told, console)
    if wish.record and not results.interrupted:
        for path in record.write(project.results, results.results, cited):
            print(f"recorded: {shown(path)}")
    return code


def prepare(out: Path) -> Path:
    try:
        for folder in ("traces", "logs", "load", "plots"):
            (out / folder).mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise HarnessError(f"{out}: the results' folder cannot be made: {err.strerror}") from None
    return out.resolve()


def drive(
    wish: Wish, project: Project, known: dict[str, Scenario], scenarios: list[Scenario], adapters: list[Adapter], results: Results,
    console: Console,
) -> None:
    """The canary, then pytest, in this process."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # our run is not the place for whatever else is installed
    import pytest

    console.begin(len(scenarios) * len(wish.subjects) * wish.repeat)
    said = io.StringIO()
    try:
        with tempfile.TemporaryDirectory(prefix="poolspec-", ignore_cleanup_errors=True) as scratch:
            results.canary = judge_canary(project, known)
            with contextlib.redirect_stdout(said):
                code = pytest.main(arguments(wish, project, scenarios, results, scratch), plugins=[Sink(results, console)])
    except KeyboardInterrupt:
        code = pytest.ExitCode.INTERRUPTED
    finally:
        console.end()
    results.interrupted = code == pytest.ExitCode.INTERRUPTED
    if results.interrupted:
        results.problems.append("interrupted: this is what had been measured until then")
    elif code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise HarnessError(f"pytest ended with {code!r}: {said.getvalue().strip()[-500:]}")


def arguments(wish: Wish, project: Project, scenarios: list[Scenario], results: Results, scratch: str) -> list[str]:
    """pytest's. All runs keep their temporary folders in `scratch`, so that those of a worker that was ended go with it."""
    settings = {
        "root": str(project.root), "variant": project.variant, "out": str(results.out), "scratch": scratch,
        "subjects": wish.subjects, "repeat": wish.repeat, "seed": wish.seed, "scale": wish.scale, "strict": wish.strict,
        "names": {one.name: str(one.path) for one in scenarios if one.path.parent.parent != project.scenarios},
    }
    args = [
        *(str(one.path) for one in scenarios), "-c", os.devnull, "--rootdir", str(project.root), "-p", "judge.plugin",
        "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:stepwise", "-p", "no:logging", "-p", "no:tmpdir", "--capture=no",
        "--poolspec", json.dumps(settings),
    ]
    return [*args, "-p", "xdist.plugin", "-n", str(wish.jobs)] if wish.jobs > 1 else args


class Sink:
    """Takes what the items came to, wherever they were run. A plugin of the controlling process only."""

    def __init__(self, results: Results, console: Console) -> None:
        self.taken, self.console = results, console

    def pytest_runtest_logreport(self, report: Any) -> None:
        if hasattr(report, "poolspec"):
            record = json.loads(report.poolspec)
            self.taken.add(record)
            self.console.progress(record)
        elif report.failed:  # a worker of xdist died, say
            self.taken.lose(f"{report.nodeid}: could not be run: {str(report.longrepr)[-600:]}")


def report(wish: Wish, results: Results, told: dict[str, Any], console: Console) -> int:
    """Everything that is written and printed. A file that cannot be written costs the exit code, not the rest."""
    found = results.as_dict()
    troubles = output.write_all(results.out, found, told, wish.json, wish.junit, wish.markdown)
    console.results(found, results.out)
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    return heavier(results.exit, UNCLEAR if troubles else 0, INTERRUPTED if results.interrupted else 0)
