"""What a person sees: a progress line on standard error while it runs, results on standard output."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from judge.clause_verdicts import agreement, in_words, word_of
from judge.project import REFERENCE
from judge.table import shown
from judge.verdicts import FAILED, INTERRUPTED, OK, UNCLEAR, UNKNOWN

COLORS = {"pass": 32, "observed": 36, "advisory": 33, "skipped": 90, "blocked": 35, "inconclusive": 35, "error": 35, "fail": 31}
NAME_WIDTH = 44
TROUBLED = ("fail", "error", "inconclusive", "blocked")


def wants_color(choice: str, stream: TextIO) -> bool:
    return choice == "always" or (choice == "auto" and stream.isatty() and not os.environ.get("NO_COLOR"))


class Console:
    def __init__(self, color: str = "auto", verbosity: int = 0) -> None:
        self.color, self.verbosity = color, verbosity
        self.live = sys.stderr.isatty() and verbosity >= 0
        self.done = self.total = self.troubled = 0

    def paint(self, text: str, verdict: str) -> str:
        return f"\x1b[{COLORS[verdict]}m{text}\x1b[0m" if wants_color(self.color, sys.stdout) else text

    # While it runs.

    def begin(self, total: int) -> None:
        self.total = total
        self._line("")

    def progress(self, record: dict[str, Any]) -> None:
        self.done += 1
        run = record["run"]
        self.troubled += run["verdict"] in TROUBLED
        self._line(f"{run['scenario']} ({run['subject']}): {run['verdict']}")

    def end(self) -> None:
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _line(self, last: str) -> None:
        if self.live:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            troubled = f", {self.troubled} in trouble" if self.troubled else ""
            print("\r\x1b[K" + f"{self.done}/{self.total}{troubled}  {last}"[: width - 1], end="", file=sys.stderr, flush=True)

    # When it is over.

    def results(self, results: dict[str, Any], out: Path) -> None:
        if self.verbosity >= 0:
            self._runs(results)
        for one in results["results"]:
            if self._is_told(one):
                print(f"\n{self.paint(one['verdict'], one['verdict'])} {failure_text(one, out)}")
        if results["loads"] and self.verbosity >= 0:
            from judge.output import headline

            print(f"\n{headline(results).rstrip()}")
        self._gates(results)
        for problem in results["problems"]:
            print(f"\n{self.paint('problem', 'fail')} {problem}")
        if (canary := results.get("canary")) and canary["caught"]:
            print(f"\ncanary: a pool that is broken on purpose ({canary['name']}) was caught by {canary['caught']}, at {canary['clause']}")
        counts = ", ".join(self.paint(f"{count} {verdict}", verdict) for verdict, count in results["counts"].items() if count)
        known = sum(bool(one.get("known")) for one in results["results"])
        print(f"\n{counts or 'nothing judged'}" + (f" ({known} known)" if known else "") + f" in {results['elapsed_s']:.1f} s")
        print(f"exit {results['exit']}: {why(results)}")
        print(f"report: {shown(out / 'index.html')}")

    def _is_told(self, one: dict[str, Any]) -> bool:
        told = (*TROUBLED, "advisory") if self.verbosity > 0 else TROUBLED
        return one["verdict"] in told and (self.verbosity > 0 or not one.get("known"))

    def _runs(self, results: dict[str, Any]) -> None:
        """A line for each scenario, over all its repetitions; several subjects side by side."""
        rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for one in results["results"]:
            rows.setdefault(one["scenario"], {}).setdefault(one["subject"], []).append(one)
        subjects = sorted({subject for row in rows.values() for subject in row}, key=lambda name: (name != REFERENCE, name))
        told = {(name, subject): counted(row.get(subject, [])) for name, row in rows.items() for subject in subjects}
        widths = {subject: max([len(subject), *(len(told[name, subject]) for name in rows)]) for subject in subjects}
        if len(subjects) > 1:
            print(f"{'':<{NAME_WIDTH}} " + "  ".join(f"{subject:<{widths[subject]}}" for subject in subjects).rstrip())
        for name, row in rows.items():
            cells = [self._painted(told[name, subject]) + " " * (widths[subject] - len(told[name, subject])) for subject in subjects]
            print(f"{name:<{NAME_WIDTH}} " + "  ".join(cells).rstrip())
            for one in (one for own in row.values() for one in own if self.verbosity > 0):
                of = f" ({one['subject']})" if len(subjects) > 1 else ""
                print(f"    {self.paint(one['verdict'], one['verdict'])} {one['clause']}{of}: {one['seen']}")
        for at, other in enumerate(subjects[1:]):
            print(("" if at else "\n") + f"{other} beside {subjects[0]}: {in_words(agreement(results['results'], subjects[0], other))}")

    def _painted(self, counts: str) -> str:
        return ", ".join(self.paint(one, one.split()[1]) for one in counts.split(", ") if one)

    def _gates(self, results: dict[str, Any]) -> None:
        for row in results["gates"]:
            if row["broken"]:
                where = f"{row['value']} in {row['scenario']}" if row["scenario"] else "there is no load run that it looks at"
                print(f"\n{self.paint('gate', 'fail')} {row['rule']}: {where}")


def counted(results: list[dict[str, Any]]) -> str:
    """How many of each verdict."""
    return ", ".join(f"{count} {word}" for word, count in Counter(map(word_of, results)).items())


def why(results: dict[str, Any]) -> str:
    """What the exit code says."""
    if results["exit"] == UNCLEAR and not any(results["counts"][verdict] for verdict in UNKNOWN):
        return "could not find out: no required clause was judged" if not results["problems"] else "could not find out"
    return {
        OK: "all as expected", FAILED: "not as expected", UNCLEAR: "could not find out", INTERRUPTED: "interrupted",
    }[results["exit"]]


def failure_text(one: dict[str, Any], out: Path | None = None) -> str:
    """The clause; expected; seen; the trace around it; where the whole trace is; the command that repeats it."""
    lines = [
        f"{one['scenario']} with {one['subject']}: {one['clause']} ({one['level']})",
        f"    clause:   {one['text']}",
        f"              [{one['source']}]",
        f"    expected: {one['expected']}",
        f"    seen:     {one['seen']}",
    ]
    if "lag_ms" in one:
        lines.append(f"    but:      a loop was {one['lag_ms']:.0f} ms late, which is too much to tell")
    if one["excerpt"]:
        lines.append("    around it:")
        start = one["violation_t"]
        lines += [f"      {event_text(event, start)}" for event in one["excerpt"]]
    trace = shown(out / one["trace"]) if out else one["trace"]
    return "\n".join([*lines, f"    trace:    {trace}", f"    again:    {one['reproduce']}"])


def event_text(event: dict[str, Any], start: int) -> str:
    offset = (event["t"] - start) / 1e6
    hidden = {"t", "who", "ev", "listener", "id"}
    fields = " ".join(f"{key}={value!r}" for key, value in event.items() if key not in hidden and value is not None)
    mark = "<<" if event["t"] == start else ""
    return f"{offset:+10.2f} ms  {event['who']:<7} {event['ev']} {fields[:150]} {mark}".rstrip()
