"""`mutants`: pools that are broken in one way each, and the drill or the scenario that must notice.

harness/proof/mutants/NAME.toml says what is wrong, the clause that it breaks, and the edits that break it: `file` is a source of
harness/pool, or one of harness/client as client/NAME. A mutant is killed when a drill of that clause plays otherwise on its core,
or a scenario of that clause convicts it at that clause; one that survives shows a hole in the suite.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
import tomllib
from argparse import Namespace
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from judge.drills import Drill, load_drills, play
from judge.errors import HarnessError, UsageError
from judge.names import nearest
from judge.progress import progress
from judge.project import REFERENCE, Project
from judge.scenario import Scenario, load_scenarios
from judge.trace import Trace

VARIANT = "san"  # what the rest of the programs is taken from
REST = ("server", "load")  # what a scenario takes beside the pool: these are the clean build's
PARTS = ("pool", "client")  # what a mutant may break
CORE = {"pool.c", "pool_ask.c", "keys.c", "deadlines.c"}  # what the drills play on
DRILL = "drill "  # what a drill's name has in front of it where a scenario's stands as it is
AT_A_TIME = 4  # most of a hunt is waiting for what a broken pool does not do


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
    """What came of one mutant. `killed_by` is the scenario that convicted it at its clause, or "drill NAME"; None: it survives."""

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
    """The mutant's programs; those that do not hold it are the clean build's."""
    broken = plant(project, mutant)
    compile_into(broken, VARIANT, REFERENCE)
    borrow(broken, VARIANT, REST)
    return broken


def plant(project: Project, mutant: Mutant) -> Project:
    """Its sources, and no program yet."""
    folder = Path("mutants") / mutant.name
    edit_copy(project, mutant, folder, VARIANT)
    return Project(project.root, str(folder))


def kept(project: Project, mutant: Mutant, folder: Path, variant: str, program: str, beside: tuple[str, ...] = ()) -> Project:
    """The program that holds it, in build/FOLDER: made where it is missing, older than the clean one, or broken otherwise than is asked
    for. Runs side by side share it. beside: programs of the clean build that are found there, too."""
    out = project.root / "build" / folder
    out.parent.mkdir(parents=True, exist_ok=True)
    broken = Project(project.root, str(folder))
    with out.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, said = out / "mutant", repr(mutant)
        built = Project(project.root, variant).program(program).stat().st_mtime
        if not stamp.exists() or stamp.read_text() != said or stamp.stat().st_mtime < built:
            edit_copy(project, mutant, folder, variant)
            compile_into(broken, variant, program)
            borrow(broken, variant, beside)
            stamp.write_text(said)
    return broken


def borrow(broken: Project, variant: str, programs: tuple[str, ...]) -> None:
    for program in programs:
        (broken.build / program).symlink_to(broken.root / "build" / variant / program)


def edit_copy(project: Project, mutant: Mutant, folder: Path, variant: str) -> None:
    clean, out = project.root / "build" / variant, project.root / "build" / folder
    shutil.rmtree(out, ignore_errors=True)
    for part in PARTS:
        shutil.copytree(project.root / "harness" / part, out / part)
        for made in (clean / part).glob("*.o"):  # what is not edited is not compiled again
            shutil.copy2(made, out / part)
    for edit in mutant.edits:
        apply(edit, mutant.name, out)


def compile_into(broken: Project, variant: str, program: str) -> None:
    """The rest of the program is taken from the variant."""
    where = broken.build.relative_to(broken.root)
    variables = [f"VARIANT={variant}", f"POOL_OUT={where}", *(f"{part.upper()}_DIR={where}/{part}" for part in PARTS)]
    made = subprocess.run(
        ["make", "-s", *variables, f"{where}/{program}"], cwd=broken.root, capture_output=True, text=True, check=False,
    )
    if made.returncode:
        raise HarnessError(f"{where} does not compile: {made.stderr.strip()[-400:]}")


def apply(edit: Edit, name: str, out: Path) -> None:
    source = out / ("" if "/" in edit.file else "pool") / edit.file
    text = source.read_text()
    times = text.count(edit.find)
    if times != 1:
        raise HarnessError(f"mutant {name}: what it edits in {edit.file} stands there {times} times, not once")
    source.write_text(text.replace(edit.find, edit.replace))
    stale = out.glob("*/*.o") if source.suffix == ".h" else [source.with_suffix(".o")]
    for compiled in stale:
        compiled.unlink(missing_ok=True)


def hunt(project: Project, mutant: Mutant) -> Hunt:
    """Where it breaks the core, plays the drills of its clause; then runs the clause's step scenarios; until the first kill."""
    if breaks_core(mutant):
        found = drill(project, mutant)
        if found.killed_by:
            return found
    return hunt_by_scenarios(project, mutant)


def breaks_core(mutant: Mutant) -> bool:
    return any(edit.file in CORE for edit in mutant.edits)


def hunt_by_scenarios(project: Project, mutant: Mutant) -> Hunt:
    """As a pool of which nothing but the wire is known."""
    return chase(build(project, mutant), mutant, about(all_scenarios(project), mutant.clause))


def drill(project: Project, mutant: Mutant) -> Hunt:
    drills = [one for one in all_drills(project) if mutant.clause in one.clauses]
    if not drills:
        return Hunt(mutant, None, "no drill is about its clause")
    broken = plant(project, mutant)
    compile_into(broken, VARIANT, "drill")
    return play_until_red(broken, mutant, drills)


def play_until_red(pool: Project, mutant: Mutant, drills: list[Drill]) -> Hunt:
    """A core that falls, or never answers, proves nothing about the clause."""
    seen = ""
    for one in drills:
        played = play(pool, one)
        seen = f"{one.name}: {played.how}"
        if played.how == "not as expected":
            return Hunt(mutant, f"{DRILL}{one.name}", played.said)
    return Hunt(mutant, None, seen)


@cache
def all_drills(project: Project) -> list[Drill]:
    return load_drills(project)


def chase(pool: Project, mutant: Mutant, scenarios: list[Scenario]) -> Hunt:
    """Runs the scenarios on a pool that is built, until the first that convicts it at the mutant's clause."""
    from judge.judging import judge_trace
    from judge.runner import Settings, run
    from judge.subject import find_adapter

    seen = "no scenario is about its clause"
    with tempfile.TemporaryDirectory(prefix="poolspec-mutant-") as scratch:
        out = Path(scratch)
        for part in ("traces", "logs"):
            (out / part).mkdir()
        for scenario in scenarios:
            trace = Trace.load(run(pool, scenario, find_adapter(REFERENCE, pool), Settings(out), 1))
            if crash := next(trace.judge("subject_failed"), None):
                if not has_shown_itself(trace, crash["why"]):
                    seen = f"{scenario.name} crashed it, which proves nothing about the clause: {crash['why']}"
                    continue
                trace = Trace(event for event in trace.events if event.ev != "subject_failed")
            for result in judge_trace(pool, scenario, trace, strict=True):
                if result["clause"] == mutant.clause:
                    seen = f"{result['verdict']}: {result['seen']}"
                    if result["verdict"] == "fail":
                        return Hunt(mutant, scenario.name, result["seen"])
    return Hunt(mutant, None, seen)


@cache
def all_scenarios(project: Project) -> list[Scenario]:
    return list(load_scenarios(project).values())


def about(scenarios: Iterable[Scenario], clause: str) -> list[Scenario]:
    """Those of steps that cite a clause, its own family first."""
    found = [one for one in scenarios if one.steps and clause in {check.clause for check in one.checks}]
    return sorted(found, key=lambda one: one.name.split("/")[0] != clause.split("/")[0])


def has_shown_itself(trace: Trace, why: str) -> bool:
    """Whether a run that the subject did not survive says something all the same: it let a command wait for ever, or it fell only
    when it was told to quit, behind the script's end."""
    return "does not answer" in why or len(list(trace.judge("end"))) > 1


def run_all(args: Namespace) -> int:
    """Prints a line for each mutant, and one for the pool that is not broken. Returns 0 where all are killed and that one is green."""
    project = Project.here(VARIANT)
    mutants = load_mutants(project)
    if args.names:
        known = {mutant.name: mutant for mutant in mutants}
        for name in args.names:
            if name not in known:
                raise UsageError(f'unknown mutant "{name}"{nearest(name, known)}')
        mutants = [known[name] for name in args.names]
    width, clauses = (max(len(getattr(mutant, key)) for mutant in mutants) for key in ("name", "clause"))
    hunter = hunt_by_scenarios if args.scenarios else hunt
    with ThreadPoolExecutor(AT_A_TIME) as crew:
        hunts = []
        for found in crew.map(lambda mutant: hunter(project, mutant), mutants):
            hunts.append(found)
            how = f"killed by {found.killed_by}" if found.killed_by else f"SURVIVES ({found.seen})"
            progress("")
            print(f"{found.mutant.name:{width}}  {found.mutant.clause:{clauses}}  {how}", flush=True)
            progress(f"{len(hunts)} of {len(mutants)}")
        progress("the pool that is not broken")
        shown = {(found.killed_by, found.mutant.clause): found for found in hunts}.values()  # many share what killed them
        wrong = list(filter(None, crew.map(lambda found: convicted_clean(project, found), shown)))
    progress("")
    killed = sum(found.killed_by is not None for found in hunts)
    clean = "\n".join(wrong) or "the pool that is not broken is green in all of these"
    print(f"{killed} of {len(mutants)} mutants killed, each by the clause that it was made to break\n{clean}")
    return 0 if killed == len(mutants) and not wrong else 1


def convicted_clean(project: Project, found: Hunt) -> str | None:
    """Whether what killed a mutant convicts the pool that is not broken, too: then it has shown nothing."""
    if found.killed_by is None:
        return None
    drills = [one for one in all_drills(project) if found.killed_by == DRILL + one.name]
    scenarios = [one for one in all_scenarios(project) if one.name == found.killed_by]
    clean = play_until_red(project, found.mutant, drills) if drills else chase(project, found.mutant, scenarios)
    return f"{found.killed_by} convicts the pool that is not broken, too: {clean.seen}" if clean.killed_by else None
