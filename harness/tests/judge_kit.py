"""What the judge's tests share: traces written as a few lines of text, subjects made of a fake, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.project import PYTHON, Project
from judge.trace import Trace

ROOT = Path(__file__).resolve().parents[2]
FAKES = Path(__file__).resolve().parent / "fakes"
PROJECT = Project(ROOT)
T1, T2 = "0000000000000001", "0000000000000002"  # tokens


def trace(text: str) -> Trace:
    """A line is an event: milliseconds, who, ev, then fields as key=JSON (or a bare word)."""
    events = []
    for line in text.strip().splitlines():
        t, who, ev, *fields = line.split()
        event: dict[str, Any] = {"t": int(float(t) * 1e6), "who": who, "ev": ev}
        for field in fields:
            key, _, value = field.partition("=")
            try:
                event[key] = json.loads(value)
            except ValueError:
                event[key] = value
        events.append(event)
    return Trace(events)


def exchange(label: str, token: str, conn: int, at: float, sock: str = "", back: str = "", reused: int = 0) -> str:
    """The lines of an exchange of 4 ms on a connection whose client port is 1000 + conn; `back`: fields of its setkeepalive."""
    sock, number = sock or label, int(at * 100)
    rows = [
        f"{at} judge command id={number + 1} op=connect label={label}.connect sock={sock} host=h port=80",
        f"{at + 0.5} subject reply id={number + 1} label={label}.connect ok=true reused={reused} local_port={1000 + conn}",
        f"{at + 1} judge command id={number + 2} op=send label={label}.send sock={sock} token={token} data=t/{token}",
        f"{at + 1.5} subject reply id={number + 2} label={label}.send ok=true sent=9",
        f"{at + 2} server request conn={conn} req={reused + 1} method=GET target=/t/{token}",
        f"{at + 2.2} server response conn={conn} req={reused + 1} status=200 keep=true end=complete",
        f"{at + 3} judge command id={number + 3} op=setkeepalive label={label}.setkeepalive sock={sock} {back}",
        f"{at + 3.5} subject reply id={number + 3} label={label}.setkeepalive ok=true value=1",
        f"{at + 4} judge exchange label={label} token={token} ok=true status=200 body=/t/{token} conn={conn} reused={reused}",
    ]
    if not reused:
        rows.insert(1, f"{at + 0.2} server accepted conn={conn} peer={1000 + conn} listener=origin")
    return "\n".join(rows)


def subject(folder: Path, module: str, name: str) -> Path:
    """An adapter made of a class of fakes/."""
    start = "main(FAKE())" if module == "wrong" else "sys.exit(FAKE().run())"
    path = folder / f"{name}.py"
    path.write_text(
        f"import sys\nsys.path.insert(0, {str(FAKES)!r})\nfrom pool import main\nfrom {module} import {name} as FAKE\n{start}\n"
    )
    return path


@dataclass
class Ran:
    code: int
    out: str
    err: str
    results: dict[str, Any] | None


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "NO_COLOR"))}
    return kept | {"PYTHONPATH": f"{ROOT / 'harness'}:{ROOT}"} | more


def judge(*args: object, cwd: Path = ROOT, out: Path | None = None, timeout: float = 60, **env: str) -> Ran:
    """The command line in a process of its own; with `out`, also the results."""
    argv = [PYTHON, "-m", "judge", *map(str, args), *(["--out", str(out)] if out else [])]
    done = subprocess.run(argv, cwd=cwd, env=environment(**env), capture_output=True, text=True, timeout=timeout, check=False)
    found = out / "results.json" if out else None
    return Ran(done.returncode, done.stdout, done.stderr, json.loads(found.read_text()) if found and found.exists() else None)
