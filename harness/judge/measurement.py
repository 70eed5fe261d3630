"""What is measured beside the scenarios (sweep, advise, compare-modes): a result file and its page, in a run's folder."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judge.output import reports
from judge.project import Project
from judge.results import new_folder, write_json


def now() -> str:
    """For `started`."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def keep(project: Project, found: dict[str, Any], out: Path | None, name: str, beside: Path | None = None) -> Path:
    """Writes NAME.json, draws its page and links it from the folder's index. Returns the page's path.

    out: the folder; None: a new one. beside: a folder whose content is copied there first. Raises HarnessError, or OSError."""
    folder = out or new_folder(project.out)
    folder.mkdir(parents=True, exist_ok=True)
    if beside:
        shutil.copytree(beside, folder, dirs_exist_ok=True)
    path = folder / f"{name}.json"
    write_json(path, found)
    reports().build_page(path)
    return path.with_suffix(".html")
