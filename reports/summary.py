"""summary.md: a run in a screenful of Markdown, as a CI job shows it."""

from __future__ import annotations

from typing import Any

from . import bench, headline, verdicts
from .markdown import code, escape, table

FAILURES = 20  # shown in full; the page has the rest


def _failure(shown: verdicts.Shown) -> str:
    result, known = shown.result, shown.result.get("known") or {}
    repeats = ", ".join(map(str, [result.get("repeat") or 1, *shown.also]))
    what = f"**{escape(result.get('verdict'))}** {code(result.get('scenario'))} at clause {code(result.get('clause'))}"
    lines = [f"{what} ({escape(result.get('subject'))}, repeat {repeats})"]
    if result.get("text"):
        lines.append(f"- clause: {escape(result['text'])}")
    if known:
        lines.append(f"- known to fail: {escape(known.get('reason') or '–')}")
    lines += [f"- {name}: {escape(result.get(name) or '–')}" for name in ("expected", "seen")]
    if result.get("trace"):
        lines.append(f"- trace: {code(result['trace'])}")
    if result.get("reproduce"):
        lines.append(f"- repeat it: {code(result['reproduce'])}")
    return "\n".join(lines)


def text(results: dict[str, Any], notes: list[str] | None = None) -> str:
    """The whole file. `notes` are sentences about the report itself (a chart that could not be drawn)."""
    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.counts(results))
    parts = ["# poolspec", f"**{escape(verdicts.sentence(results))}** {escape(counts)}".strip()]
    problems = [str(problem) for problem in results.get("problems") or []]
    problems += [f"gate broken: {gate.get('rule')} ({gate.get('scenario') or 'all'}: {gate.get('value')})"
                 for gate in results.get("gates") or [] if gate.get("broken")]
    problems += notes or []
    if problems:
        parts.append("\n".join(f"- {escape(problem)}" for problem in problems))
    if headline.rows(results):
        parts += ["## Reuse and latency, by what the server does", headline.markdown(results)]
    if results.get("bench"):
        parts += ["## Beside wrk", table(bench.table(results["bench"]), 1), bench.verdict(results["bench"])]
        if results["bench"].get("misbehaving"):
            parts.append(table(bench.misbehaving(results["bench"]), 2))
    shown = verdicts.in_full(results)
    if shown:
        parts.append("## Not met")
        parts += [_failure(entry) for entry in shown[:FAILURES]]
        if len(shown) > FAILURES:
            parts.append(f"… and {len(shown) - FAILURES:,} more in index.html.")
    runs = results.get("runs") or []
    if runs:
        lines = [["scenario", "subject", "repeat", "verdict", "time"]]
        lines += [[str(run.get("scenario")), str(run.get("subject")), str(run.get("repeat", 1)), str(run.get("verdict")),
                   f"{run.get('elapsed_s') or 0:.2f} s"] for run in runs]
        parts.append(f"<details><summary>{len(runs):,} runs</summary>\n\n{table(lines, 4)}\n\n</details>")
    command = f"{code(results['command'])} · " if results.get("command") else ""
    parts.append(command + " · ".join(map(escape, verdicts.about(results))))
    return "\n\n".join(parts) + "\n"
