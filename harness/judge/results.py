"""results.json: everything that a run found out, in one object (schema "results/1", described in reports/SCHEMA.md).

It is put together from what each scenario's run came to, wherever that was run, and finished once all are in."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judge import VERSION, gate, known_failing
from judge.attempts import Outcome
from judge.errors import HarnessError, UsageError
from judge.scenario import Scenario
from judge.table import shown
from judge.verdicts import INTERRUPTED, OK, UNCLEAR, VERDICTS, block, exit_code, heavier, worst

SCHEMA = "results/1"
FIGURES = ("requests", "ok", "failed", "wrong_caller", "reuse_rate", "connections_opened", "connections_per_1000", "throughput",
           "cpu_us_per_request")


@dataclass
class Results:
    command: str
    out: Path
    seed: int = 1
    scale: float = 1.0
    started: float = field(default_factory=time.time)
    results: list[dict[str, Any]] = field(default_factory=list)
    loads: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    canary: dict[str, Any] | None = None  # of a run, not where kept traces are judged again: see canary.py
    interrupted: bool = False
    lost: bool = False  # something could not be run at all
    exit: int = UNCLEAR

    def add(self, record: dict[str, Any]) -> None:
        """What one scenario's run came to: see `record_of`."""
        self.results += record["results"]
        self.loads += record["loads"]
        self.runs.append(record["run"])

    def lose(self, why: str) -> None:
        self.problems.append(why)
        self.lost = True

    def finish(
        self, controls: dict[str, tuple[str, ...]], known: list[known_failing.Entry], pairs: set[tuple[str, str]],
        terms: list[gate.Term],
    ) -> None:
        """The verdicts that need all of them."""
        if self.canary and not self.canary["caught"]:
            self.lose("the canary survives: a pool that is broken at {clause} ({name}) was judged, and nothing was found wrong with it "
                      "({seen}): no verdict of this run can be relied upon".format_map(self.canary))
        self.results.sort(key=run_of)
        self.problems += known_failing.cover(self.results, known, pairs)
        block(self.results, controls)  # behind the known failures: a control that fails as it is known to is as expected
        self.gates = gate.judge_gates(terms, self.loads)
        found = defaultdict(list)
        for one in self.results:
            found[run_of(one)].append(one["verdict"])
        for run in self.runs:
            run["verdict"] = worst(found[run_of(run)])
        red = bool(self.problems) or any(row["broken"] for row in self.gates)
        self.exit = heavier(
            exit_code(self.results, red), UNCLEAR if self.lost else OK, INTERRUPTED if self.interrupted else OK,
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA, "version": VERSION, "command": self.command, "seed": self.seed, "timeout_scale": self.scale,
            "started": datetime.fromtimestamp(self.started, UTC).isoformat(timespec="seconds"),
            "elapsed_s": round(time.time() - self.started, 3), "exit": self.exit, "interrupted": self.interrupted,
            "counts": {verdict: sum(r["verdict"] == verdict for r in self.results) for verdict in VERDICTS},
            "problems": self.problems, "canary": self.canary, "gates": self.gates,
            "results": self.results, "loads": self.loads, "runs": self.runs,
        }


def run_of(record: dict[str, Any]) -> tuple[str, str, int]:
    return record["scenario"], record["subject"], record["repeat"]


def record_of(
    outcome: Outcome, scenario: Scenario, subject: str, repeat: int, elapsed_s: float, reproduce: str,
) -> dict[str, Any]:
    """What one run came to, in plain data: it may cross a process."""
    where = {"scenario": scenario.name, "subject": subject, "repeat": repeat}
    kept = {"trace": f"traces/{outcome.path.name}", "reproduce": reproduce}
    loads = [load_of(scenario, subject, outcome.path, outcome.trace.run)] if outcome.trace.run else []
    verdict = worst(one["verdict"] for one in outcome.results)
    return {
        "results": [where | one | kept for one in outcome.results],
        "loads": loads,
        "run": where | {"elapsed_s": round(elapsed_s, 3), "verdict": verdict},
    }


def load_of(scenario: Scenario, subject: str, trace: Path, run: dict[str, Any]) -> dict[str, Any]:
    figures = {key: run.get(key) for key in FIGURES}
    for kind in ("first_use", "reuse"):
        latency = run["latency_us"].get(kind) or {}
        figures |= {f"{kind}_{p}_us": latency.get(p) for p in ("p50", "p99")}
    behaviours = [entry["name"] for server in scenario.servers for entry in server.behaviours]
    name = scenario.real["kind"] if scenario.real else ", ".join(dict.fromkeys(behaviours))
    return {
        "scenario": scenario.name, "subject": subject, "behaviour": name, "tags": list(scenario.tags),
        "dir": f"load/{trace.stem}", "figures": figures,
    }


def check_out(out: Path | None) -> None:
    """Before anything is run: UsageError where --out can be no folder that we may write to."""
    if out is None:
        return
    there = next(one for one in (out, *out.absolute().parents) if one.exists())
    if not there.is_dir():
        raise UsageError(f"--out {out}: {there} is no folder")
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as err:
        raise UsageError(f"--out {out}: {there} cannot be written to: {err.strerror}") from None


def new_folder(parent: Path) -> Path:
    """A folder for one run, named after the time; `latest` points to it."""
    stamp = datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
    for suffix in ("", *(f".{n}" for n in range(2, 100))):
        folder = parent / (stamp + suffix)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        link = parent / f".latest.{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
        link.replace(parent / "latest")
        return folder
    raise HarnessError(f"{shown(parent)}: too many runs in one second")


def write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise HarnessError(f"{shown(path)}: cannot be written: {err.strerror}") from None


def write_json(path: Path, results: dict[str, Any]) -> None:
    write(path, json.dumps(results, ensure_ascii=False, indent=1) + "\n")
