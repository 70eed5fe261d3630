"""The files of a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from judge import junit
from judge.errors import HarnessError
from judge.results import write, write_json
from judge.table import shown


def write_all(
    out: Path, results: dict[str, Any], claims: dict[str, Any], json: Path | None, junit_xml: Path | None, markdown: Path | None,
) -> list[str]:  # fmt: skip
    """Writes into the run's folder and wherever else is asked for. Returns a sentence for each that failed."""
    steps: list[Callable[[], object]] = [
        lambda: write_json(out / "results.json", results),
        lambda: write_json(out / "claims.json", claims),
        lambda: write(out / "junit.xml", junit.text(results)),
        lambda: build_report(out, results),
    ]
    if json:
        steps.append(lambda: write_json(json, results))
    if junit_xml:
        steps.append(lambda: write(junit_xml, junit.text(results)))
    if markdown:
        steps.append(lambda: write(markdown, summary(results)))
    return list(_troubles(steps, out))


def _troubles(steps: list[Callable[[], object]], out: Path) -> Iterator[str]:
    for step in steps:
        try:
            step()
        except HarnessError as err:
            yield str(err)
        except OSError as err:
            yield f"{shown(Path(err.filename or out))}: cannot be written: {err.strerror}"
        except Exception as err:  # of the report; the verdicts stand without it
            yield f"{shown(out)}: the report is not complete: {type(err).__name__}: {err}"


def reports() -> Any:
    """The package that turns results into tables, pictures and pages; beside harness/, not in it."""
    root = str(Path(__file__).resolve().parents[2])
    if root not in sys.path:
        sys.path.append(root)
    import reports

    return reports


def build_report(out: Path, results: dict[str, Any]) -> None:
    reports().build(out, results)


def summary(results: dict[str, Any]) -> str:
    reports()
    from reports import summary as module

    return module.text(results)


def headline(results: dict[str, Any]) -> str:
    reports()
    from reports import headline as module

    return module.text(results)
