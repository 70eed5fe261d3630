"""A load generator that breaks down, as the judge sees it: the pool in it is the subject."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge import load_run
from judge.attempts import run_and_judge
from judge.project import Project
from judge.runner import Settings
from judge.scenario import read_scenario
from judge.session import prepare
from judge.subject import Adapter
from judge_kit import ROOT

OUT = """
while [ "$1" != --out ]; do shift; done; mkdir -p "$2"; out=$2
while [ "$1" != --trace ]; do shift; done; : > "$2"
"""
BROKEN = {
    "kill -9 $$": "failed: killed by SIGKILL",
    "echo last words >&2; exit 3": "failed: exit status 3: last words",
    "exit 0": "failed: exit status 0",
    "sleep 1000": "does not end within 0 s",
    OUT + 'echo not-json > "$out/run.json"': "left no readable result",
}


@pytest.mark.parametrize("script", BROKEN, ids=BROKEN.values())
def test_broken_load_generator_fails(script, tmp_path, monkeypatch):
    build = tmp_path / "root" / "build" / "release"
    build.mkdir(parents=True)
    (tmp_path / "root" / "scenarios").symlink_to(ROOT / "scenarios")
    (build / "server").symlink_to(ROOT / "build" / "release" / "server")
    (build / "load").write_text(f"#!/bin/sh\n{script}\n")
    (build / "load").chmod(0o755)
    project = Project(tmp_path / "root")
    if "sleep" in script:
        monkeypatch.setattr(load_run, "SPARE_S", 0.3)
    scenario = read_scenario(project.scenarios / "load" / "healthy.toml", project)
    scenario.load.pop("duration_s", None)
    adapter = Adapter("reference", (), Path("/nowhere"))
    found = run_and_judge(project, scenario, adapter, Settings(prepare(tmp_path / "out"))).results
    assert {one["verdict"] for one in found} == {"fail"}
    assert BROKEN[script] in found[0]["seen"]


def test_other_subjects_skip_load_runs(tmp_path):
    project = Project(ROOT)
    scenario = read_scenario(project.scenarios / "load" / "healthy.toml", project)
    found = run_and_judge(project, scenario, Adapter("other", (), Path("/nowhere")), Settings(prepare(tmp_path))).results
    assert {one["verdict"] for one in found} == {"skipped"}
