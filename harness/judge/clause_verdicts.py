"""What a run says of each clause, over all scenarios and repetitions: the most troubling verdict, per subject."""

from __future__ import annotations

from typing import Any

from judge.verdicts import VERDICTS

KNOWN = " (known)"  # behind a verdict that is as a known-failing list says


def word_of(result: dict[str, Any]) -> str:
    return result["verdict"] + (KNOWN if result.get("known") else "")


def weight(word: str) -> tuple[int, bool]:
    """For max(): the most troubling one, and of two alike the one that nobody knew of."""
    return VERDICTS.index(word.removesuffix(KNOWN)), not word.endswith(KNOWN)


def by_clause(results: list[dict[str, Any]], subject: str) -> dict[str, dict[str, str]]:
    """Clause → scenario → verdict."""
    found: dict[str, dict[str, str]] = {}
    for one in results:
        if one["subject"] == subject:
            own = found.setdefault(one["clause"], {})
            own[one["scenario"]] = max(own.get(one["scenario"], "skipped"), word_of(one), key=weight)
    return found


def agreement(results: list[dict[str, Any]], reference: str, other: str) -> dict[str, list[str]]:
    """Clause by clause, where two subjects were judged by the same run: they `agree` (the same verdict in each scenario that judged
    both), they `differ` and that is known, they differ and it is `unknown`, or no scenario judged both (`skipped`)."""
    first, second = by_clause(results, reference), by_clause(results, other)
    found: dict[str, list[str]] = {"agree": [], "differ": [], "unknown": [], "skipped": []}
    for clause, scenarios in sorted(first.items()):
        both = {name: second.get(clause, {}).get(name, "skipped") for name, word in scenarios.items() if word != "skipped"}
        judged = {name: word for name, word in both.items() if word != "skipped"}
        apart = [(scenarios[name], word) for name, word in judged.items() if word != scenarios[name]]
        kind = "skipped" if not judged else "agree" if not apart else "differ"
        known = all(ours.endswith(KNOWN) or theirs.endswith(KNOWN) for ours, theirs in apart)
        found[kind if known else "unknown"].append(clause)
    return found


def in_words(found: dict[str, list[str]]) -> str:
    """What `agreement` found, in figures."""
    count = {kind: len(clauses) for kind, clauses in found.items()}
    unknown = f", {count['unknown']} DIFFER AND ARE NOT KNOWN" if count["unknown"] else ""
    return f"{count['agree']} clauses agree, {count['differ']} differ and are known, {count['skipped']} skipped{unknown}"
