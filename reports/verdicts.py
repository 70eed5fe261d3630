"""What the results say, put together for the page and the summary."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from . import units

Result = dict[str, Any]

# worst first: the verdict of a cell that covers several repeats is the first of these that occurs
WORST = ("fail", "error", "inconclusive", "blocked", "advisory", "skipped", "observed", "pass")
SIGNS = dict(zip(WORST, "✗⚠?⊘!–○✓", strict=True))
NOT_AS_EXPECTED = ("fail", "error", "inconclusive", "blocked")
SHOWN_IN_FULL = ("fail", "error", "inconclusive", "advisory")


@dataclass(frozen=True)
class Cell:
    """All repeats of one clause in one scenario with one subject."""

    verdict: str
    note: str  # "19 of 20" where repeats differ, the value where one was observed
    expected: bool  # covered by a known-failing entry


@dataclass(frozen=True)
class Line:
    scenario: str
    clause: str
    level: str
    cells: list[Cell | None]  # one per subject

    @property
    def worst(self) -> str:
        return worst([cell.verdict for cell in self.cells if cell])


@dataclass(frozen=True)
class Shown:
    """A verdict to be explained, and the further repeats that got the same."""

    result: Result
    also: list[int]


def worst(verdicts: list[str]) -> str:
    return min(verdicts, key=lambda verdict: WORST.index(verdict) if verdict in WORST else -1)


def counts(results: dict[str, Any]) -> list[tuple[str, int]]:
    """How often each verdict was given, worst first."""
    found = Counter(str(result.get("verdict")) for result in results.get("results") or [])
    return sorted(found.items(), key=lambda item: WORST.index(item[0]) if item[0] in WORST else -1)


def subjects(results: dict[str, Any]) -> list[str]:
    return sorted({str(entry.get("subject")) for part in ("results", "runs", "loads") for entry in results.get(part) or []})


def unexpected(results: dict[str, Any]) -> list[Result]:
    return [result for result in results.get("results") or []
            if result.get("verdict") in NOT_AS_EXPECTED and not result.get("known")]


def in_full(results: dict[str, Any]) -> list[Shown]:
    """What is shown with expected, seen and excerpt; worst first, what was expected to fail last. Repeats are one entry."""
    groups: dict[tuple[Any, ...], list[Result]] = defaultdict(list)
    for result in results.get("results") or []:
        if result.get("verdict") in SHOWN_IN_FULL:
            rank = (bool(result.get("known")), WORST.index(result["verdict"]))
            groups[(*rank, *(str(result.get(name)) for name in ("scenario", "clause", "subject")))].append(result)
    shown = []
    for _, alike in sorted(groups.items()):
        alike.sort(key=lambda result: result.get("repeat") or 1)
        shown.append(Shown(alike[0], [result.get("repeat") or 1 for result in alike[1:]]))
    return shown


def _cell(repeats: list[Result]) -> Cell:
    given = [str(result.get("verdict")) for result in repeats]
    chosen = worst(given)
    note = f"{given.count(chosen)} of {len(given)}" if len(set(given)) > 1 else ""
    if chosen in ("observed", "skipped", "blocked") and not note:
        note = str(repeats[0].get("seen") or "")
    return Cell(chosen, note, all(result.get("known") for result in repeats if result.get("verdict") == chosen))


def matrix(results: dict[str, Any]) -> list[Line]:
    """A line per scenario and clause, a cell per subject."""
    groups: dict[tuple[str, str], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    level: dict[tuple[str, str], str] = {}
    for result in results.get("results") or []:
        key = (str(result.get("scenario")), str(result.get("clause")))
        groups[key][str(result.get("subject"))].append(result)
        level[key] = str(result.get("level") or "")
    names = subjects(results)
    return [Line(*key, level[key], [_cell(by_subject[name]) if name in by_subject else None for name in names])
            for key, by_subject in sorted(groups.items())]


def as_expected(results: dict[str, Any]) -> bool:
    broken = any(gate.get("broken") for gate in results.get("gates") or [])
    return not (unexpected(results) or broken or results.get("problems") or results.get("interrupted"))


def sentence(results: dict[str, Any]) -> str:
    """The whole run in one line."""
    given, bad = results.get("results") or [], len(unexpected(results))
    if not given:
        return "Load generator and wrk, side by side." if results.get("bench") else "Nothing was judged."
    parts = [f"{bad:,} of {len(given):,} verdicts not as expected" if bad else f"All {len(given):,} verdicts as expected"]
    broken = sum(1 for gate in results.get("gates") or [] if gate.get("broken"))
    if broken:
        parts.append(f"{units.plural(broken, 'gate')} broken")
    if results.get("problems"):
        parts.append(units.plural(len(results["problems"]), "problem"))
    if results.get("interrupted"):
        parts.append("the run was interrupted")
    return "; ".join(parts) + "."


def about(results: dict[str, Any]) -> list[str]:
    """Of what run this is: version, seed, when, how long."""
    parts = [f"{name} {results[key]}" for name, key in (("version", "version"), ("seed", "seed"), ("started", "started"))
             if results.get(key) is not None]
    if results.get("elapsed_s") is not None:
        parts.append(f"{results['elapsed_s']:.1f} s")
    if results.get("timeout_scale") not in (None, 1):
        parts.append(f"timeout scale {results['timeout_scale']:g}")
    return parts
