"""`mutants`: pools that are broken in one way each, and the scenario that must notice.

harness/proof/mutants/NAME.toml says what is wrong, the clause that it breaks, and the edits to harness/pool that break it. A
mutant is killed when a scenario of that clause convicts it at that clause; one that survives shows a hole in the suite.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from judge.cli import Parser
from judge.errors import HarnessError, UsageError
from judge.names import nearest
from judge.project import Project

VARIANT = "san"  # what the rest of the programs is taken from


@dataclass(frozen=True)
class Edit:
    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Mutant:
    name: str
    summary: str
    clause: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Hunt:
    """What came of one mutant. `killed_by` is the scenario that convicted it at its clause; None: it survives."""

    mutant: Mutant
    killed_by: str | None
    seen: str


def load_mutants(project: Project) -> list[Mutant]:
    folder = project.root / "harness" / "proof" / "mutants"
    return [read_mutant(path, project) for path in sorted(folder.glob("*.toml"))]


def read_mutant(path: Path, project: Project) -> Mutant:
    data = tomllib.loads(path.read_text())
    if unknown := data.keys() - {"summary", "clause", "edit"}:
        raise UsageError(f"{path.name}: unknown key {sorted(unknown)[0]}")
    if data["clause"] not in project.clauses:
        raise UsageError(f'{path.name}: unknown clause "{data["clause"]}"{nearest(data["clause"], project.clauses)}')
    return Mutant(path.stem, data["summary"], data["clause"], tuple(Edit(**edit) for edit in data["edit"]))


def build(project: Project, mutant: Mutant) -> Project:
    """A copy of the pool with the mutant's edits, and the programs that hold it. The servers are those of the clean build."""
    out = project.root / "build" / "mutants" / mutant.name
    pool = out / "pool"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(project.root / "harness" / "pool", pool)
    for edit in mutant.edits:
        source = pool / edit.file
        text = source.read_text()
        if text.count(edit.find) != 1:
            raise HarnessError(f"mutant {mutant.name}: what it edits in {edit.file} stands there {text.count(edit.find)} times, not once")
        source.write_text(text.replace(edit.find, edit.replace))
    where = out.relative_to(project.root)
    made = subprocess.run(
        ["make", "-s", f"VARIANT={VARIANT}", f"POOL_DIR={where}/pool", f"POOL_OUT={where}", f"{where}/reference"],
        cwd=project.root, capture_output=True, text=True, check=False,
    )
    if made.returncode:
        raise HarnessError(f"mutant {mutant.name} does not compile: {made.stderr.strip()[-400:]}")
    for program in ("server", "load"):
        (out / program).symlink_to(project.root / "build" / VARIANT / program)
    return Project(project.root, f"mutants/{mutant.name}")


def hunt(project: Project, mutant: Mutant) -> Hunt:
    """Builds it and runs the step scenarios of its clause until the first kill."""
    from judge.judging import judge_trace
    from judge.runner import REFERENCE, Settings, run
    from judge.scenario import load_scenarios
    from judge.subject import find_adapter
    from judge.trace import Trace

    broken = build(project, mutant)
    seen = "no scenario is about its clause"
    with tempfile.TemporaryDirectory(prefix="poolspec-mutant-") as scratch:
        out = Path(scratch)
        for part in ("traces", "logs"):
            (out / part).mkdir()
        for scenario in load_scenarios(broken).values():
            if scenario.load is not None or mutant.clause not in {check.clause for check in scenario.checks}:
                continue
            trace = Trace.load(run(broken, scenario, find_adapter(REFERENCE, broken), Settings(out), 1))
            if crash := next(trace.judge("subject_failed"), None):
                seen = f"{scenario.name} crashed it, which proves nothing about the clause: {crash['why']}"
                continue
            for result in judge_trace(broken, scenario, trace):
                if result["clause"] == mutant.clause:
                    seen = f"{result['verdict']}: {result['seen']}"
                    if result["verdict"] == "fail":
                        return Hunt(mutant, scenario.name, result["seen"])
    return Hunt(mutant, None, seen)


def main(arguments: list[str]) -> int:
    """Prints a line for each mutant. Returns 0 where all are killed, else 1."""
    parser = Parser(
        prog="./run.sh mutants", description="Builds pools that are broken in one way each and looks which scenario notices.",
        epilog="example: ./run.sh mutants no-idle-watch", allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of harness/proof/mutants/NAME.toml (all)")
    args = parser.parse_args(arguments)
    project = Project.here(VARIANT)
    mutants = load_mutants(project)
    if args.names:
        known = {mutant.name: mutant for mutant in mutants}
        for name in args.names:
            if name not in known:
                raise UsageError(f'unknown mutant "{name}"{nearest(name, known)}')
        mutants = [known[name] for name in args.names]
    survivors = 0
    width = max(len(mutant.name) for mutant in mutants)
    for number, mutant in enumerate(mutants, 1):
        if sys.stderr.isatty():
            print(f"\r{number}/{len(mutants)} {mutant.name}\x1b[K", end="", file=sys.stderr)
        found = hunt(project, mutant)
        survivors += found.killed_by is None
        how = f"killed by {found.killed_by}" if found.killed_by else f"SURVIVES ({found.seen})"
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr)
        print(f"{mutant.name:{width}}  {mutant.clause:32}  {how}", flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants killed")
    return 1 if survivors else 0
