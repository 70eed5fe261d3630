"""What an imitation leaves out on purpose: cases/KIND.deliberate, one entry a line:

    CASE[:WHAT] | reason | link

CASE and WHAT (as a difference is called) are globs. An entry that covers no difference of a case that was played, or that matches
no case, is a problem: lists rot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from judge.differential.compare import Difference
from judge.known_failing import Entry


def unexplained(case: str, differences: Iterable[Difference], entries: Sequence[Entry]) -> list[Difference]:
    return [one for one in differences if not any(entry.matches(case, one.what) for entry in entries)]


def rotten(found: Mapping[str, Sequence[Difference]], known_cases: Iterable[str], entries: Iterable[Entry]) -> list[str]:
    """A sentence for each entry that is wrong. `found`: the differences of each case that was played."""
    names, sentences = list(known_cases), []
    for entry in entries:
        if not any(entry.matches(case, entry.clause) for case in names):
            sentences.append(f"{entry.where}: matches no case")
            continue
        played = [differences for case, differences in found.items() if entry.matches(case, entry.clause)]
        if played and not any(entry.matches(case, one.what) for case, several in found.items() for one in several):
            sentences.append(f"{entry.where}: listed as different ({entry.reason}), but is not: take the entry out")
    return sentences
