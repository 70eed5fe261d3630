"""./run.sh judge: what was kept is judged again, perhaps by a newer checker. Only the traces are read."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from pathlib import Path

from judge import known_failing
from judge.arguments import Parser, add_console, add_variant
from judge.attempts import Outcome
from judge.console import Console
from judge.errors import UsageError
from judge.judging import judge_trace
from judge.names import nearest
from judge.project import Project
from judge.results import Results, record_of, write_json
from judge.scenario import Scenario, load_scenarios, read_scenario
from judge.subject import find_adapter
from judge.table import shown
from judge.trace import Trace

SUMMARY = "judge kept traces again"
EXAMPLE = "judge reports/out/latest"


def arguments(parser: Parser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="a run's folder, or one trace")
    parser.add_argument("--strict", action="store_true", help="an advisory is a failure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the results, there")
    add_console(parser)
    add_variant(parser)


def run(args: Namespace) -> int:
    project = Project.here(args.variant)
    console = Console(args.color, -1 if args.quiet else int(args.verbose))
    paths = traces_in(args.dir)
    known = load_scenarios(project)
    folder = paths[0].parent.parent
    results = Results("./run.sh " + shlex.join(sys.argv[1:]), folder)
    for path in paths:
        judge_file(path, project, known, results, args.strict)
    subjects = sorted({one["subject"] for one in results.runs})
    listed = [entry for name in subjects for entry in known_entries(name, project)]
    pairs = {(name, clause) for name in known for clause in project.clauses}
    results.finish({name: one.depends_on for name, one in known.items()}, listed, pairs, [])
    found = results.as_dict()
    if args.json:
        write_json(args.json, found)
    console.results(found, folder)
    return results.exit


def traces_in(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted((path / "traces").glob("*.jsonl")) or sorted(path.glob("*.jsonl"))
    if not found:
        raise UsageError(f"{shown(path)}: no kept trace: neither a .jsonl file nor a folder with traces/*.jsonl")
    return found


def judge_file(path: Path, project: Project, known: dict[str, Scenario], results: Results, strict: bool) -> None:
    try:
        trace = Trace.load(path)
        begin = {"scenario": "", "subject": "", "repeat": 0} | trace.begin
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise UsageError(f"{shown(path)}: not a trace: {err}") from None
    outside = Path(str(begin.get("file", "")))
    if begin["scenario"] not in known and outside.is_file():
        known[begin["scenario"]] = read_scenario(outside, project)
    name = begin["scenario"]
    if name not in known:
        raise UsageError(f'{shown(path)}: a trace of the unknown scenario "{name}"{nearest(name, known)}')
    scenario = known[name]
    outcome = Outcome(judge_trace(project, scenario, trace, strict), trace, path)
    elapsed_s = (trace.end_t - trace.begin.t) / 1e9
    results.add(record_of(outcome, scenario, begin["subject"], begin["repeat"], elapsed_s, f"./run.sh judge {shown(path)}"))
    results.seed, results.scale = begin.get("seed", 1), trace.scale


def known_entries(subject: str, project: Project) -> list[known_failing.Entry]:
    """A trace may be of a subject that is not here any more."""
    try:
        return known_failing.load_known(find_adapter(subject, project).known_failing)
    except UsageError:
        return []
