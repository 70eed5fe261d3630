"""./run.sh list"""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from typing import Any

from judge import checkers, claims, record
from judge.arguments import Parser, add_variant
from judge.errors import UsageError
from judge.names import nearest
from judge.project import Project
from judge.scenario import load_scenarios
from judge.subject import adapters, find_adapter

SUMMARY = "scenarios, behaviours, subjects or clauses by name"
EXAMPLE = "list scenarios --json"

Row = dict[str, Any]  # "name" and "summary", and what else there is to tell


def arguments(parser: Parser) -> None:
    parser.add_argument("what", metavar="scenarios|behaviours|subjects|clauses")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_variant(parser)


def run(args: Namespace) -> int:
    if args.what not in LISTS:
        raise UsageError(f'there is no list of "{args.what}"{nearest(args.what, LISTS)}')
    rows = LISTS[args.what](Project.here(args.variant))
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(clause_line(row, width) if args.what == "clauses" else f"{row['name']:<{width}}  {row['summary']}".rstrip())
    return 0


def scenarios(project: Project) -> list[Row]:
    return [
        {
            "name": one.name, "summary": one.summary, "expect": one.expect, "kind": one.kind,
            "tags": one.tags, "needs": one.needs, "level": one.level, "depends_on": one.depends_on,
            "clauses": [check.clause for check in one.checks],
        }
        for one in load_scenarios(project).values()
    ]


def clauses(project: Project) -> list[Row]:
    shown, last = claims.shown_by(load_scenarios(project)), record.load_all(project.results)
    return [
        {
            "name": one.id, "summary": one.text, "source": one.source, "level": one.level, "since": one.since, "says": one.says,
            "happens": one.happens, "scenarios": shown.get(one.id, []), "every_trace": one.id in checkers.universal(), "test": one.test,
            "last": {subject: verdicts[one.id]["verdict"] for subject, verdicts in last.items() if one.id in verdicts},
        }
        for one in project.clauses.values()
    ]  # fmt: skip


def clause_line(row: Row, width: int) -> str:
    """The clause; how each subject last did; what shows it; the clause in words."""
    last = ", ".join(f"{subject} {verdict}" for subject, verdict in row["last"].items()) or "not judged yet"
    return f"{row['name']:<{width}}  [{last}]  ({claims.shown(row)})  {row['summary']}"


def subjects(project: Project) -> list[Row]:
    last = record.load_all(project.results)
    return [
        {"name": name, "summary": clauses_of(last.get(name)), "known_failing": find_adapter(name, project).known_failing.exists()}
        for name in adapters(project)
    ]


def clauses_of(last: record.Record | None) -> str:
    """How a subject's clauses were last judged."""
    counted = Counter(one["verdict"] for one in (last or {}).values()).most_common()
    return f"clauses, when it was last recorded: {', '.join(f'{count} {word}' for word, count in counted)}" if last else "not recorded"


LISTS: dict[str, Callable[[Project], list[Row]]] = {
    "scenarios": scenarios,
    "clauses": clauses,
    "subjects": subjects,
    "behaviours": lambda project: list(project.behaviours.values()),
}
