"""The pools that a sweep asks, and the run of one plan through one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from judge.child import ending
from judge.errors import HarnessError, SubjectError
from judge.project import Project
from judge.sweep.plan import Plan
from judge.sweep.samples import Sample, parse

BLIND = "no-idle-watch"  # the mutant whose idle connections nobody watches
SPARE_S = 60  # beyond what a plan takes by itself: it hangs
LOOK_S = 0.5


def gap_program(project: Project, watch: bool = True) -> Path:
    """The reference pool's, or that of the pool which does not watch its idle connections."""
    if watch:
        return project.program("gap")
    from judge.mutants import kept, load_mutants

    blind = next(one for one in load_mutants(project) if one.name == BLIND)
    return kept(project, blind, Path("unwatched") / project.variant, project.variant, "gap").program("gap")


def run_plan(
    program: Path, url: str, plan: Plan, idle_timeout_ms: float, scale: float = 1, progress: Callable[[float], None] = lambda share: None,
) -> tuple[list[Sample], int]:
    """Samples, and the pairs that came to nothing. idle_timeout_ms: of the pool; 0: for ever. progress is told the share of the
    time that has passed."""
    argv = [str(program), url, "--rate", f"{plan.rate:g}", "--idle-timeout", f"{idle_timeout_ms:g}ms" if idle_timeout_ms else "0"]
    with tempfile.TemporaryFile("w+") as lines:
        lines.writelines(f"{gap}\n" for gap in plan.nanoseconds())
        lines.seek(0)
        process = subprocess.Popen(
            argv, stdin=lines, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
        )
    begun = time.monotonic()
    try:
        while True:
            try:
                out, said = process.communicate(timeout=LOOK_S)
                break
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - begun
                progress(min(passed / plan.seconds, 1))
                if passed > plan.seconds * max(scale, 1) + SPARE_S * scale:
                    raise SubjectError(f"the program gap, with the pool in it, does not end within {passed:.0f} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        last = said.strip()[-400:] or "it said nothing"
        failure = SubjectError if process.returncode < 0 else HarnessError
        raise failure(f"the program gap, with the pool in it, failed: {ending(process.returncode)}: {last}")
    return parse(out.splitlines())
