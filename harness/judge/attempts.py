"""One scenario against one subject: run, read back, judged."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.errors import HarnessError
from judge.judging import judge_trace
from judge.project import Project
from judge.runner import Settings, run, run_name, trace_path
from judge.scenario import Scenario
from judge.subject import Adapter
from judge.trace import Trace


@dataclass(frozen=True)
class Outcome:
    results: list[dict[str, Any]]
    trace: Trace
    path: Path


def run_and_judge(
    project: Project, scenario: Scenario, adapter: Adapter, settings: Settings, repeat: int = 1, strict: bool = False,
) -> Outcome:
    path = trace_path(settings, run_name(scenario, adapter, repeat))
    try:
        run(project, scenario, adapter, settings, repeat)
        trace = Trace.load(path)
    except HarnessError as err:  # the trace could not be kept
        trace = broken(str(err))
    except Exception:
        trace = broken(f"the judge itself failed: {traceback.format_exc(limit=-3)}")
    return Outcome(judge_trace(project, scenario, trace, strict), trace, path)


def broken(why: str) -> Trace:
    return Trace([{"t": 0, "who": "judge", "ev": "harness_failed", "why": why}])
