"""The pytest plugin: scenario files are its items, one for each subject and repetition.

An item runs its scenario, judges the trace, and hands what it came to on with its report, as `report.poolspec`.
Both this and the settings travel as JSON text, so that they pass between xdist's processes."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from judge.attempts import run_and_judge
from judge.console import failure_text
from judge.project import REFERENCE, Project
from judge.results import record_of
from judge.runner import Settings
from judge.scenario import Scenario, read_scenario
from judge.subject import Adapter, find_adapter


class ScenarioFailed(Exception):
    """Some verdict of the item is a failure; its text is the report's."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--poolspec", help="settings of a scenario run, as JSON")


@cache
def project_of(root: str, variant: str) -> Project:
    return Project(Path(root), variant)


@cache
def adapter_of(name: str, project: Project) -> Adapter:
    return find_adapter(name, project)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    return ScenarioFile.from_parent(parent, path=file_path) if file_path.suffix == ".toml" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Repetitions of one scenario far apart: xdist hands out neighbours together, and those of a slow one would be one worker's."""
    items.sort(key=lambda item: item.repeat if isinstance(item, ScenarioItem) else 0)


class ScenarioFile(pytest.File):
    def collect(self):
        settings = json.loads(self.config.getoption("--poolspec"))
        scenario = read_scenario(self.path, project_of(settings["root"], settings["variant"]))
        for subject in settings["subjects"]:
            for repeat in range(1, settings["repeat"] + 1):
                yield ScenarioItem.from_parent(
                    self, name=f"{scenario.name}[{subject}-{repeat}]", scenario=scenario, subject=subject, repeat=repeat,
                    settings=settings,
                )


class ScenarioItem(pytest.Item):
    def __init__(self, *, scenario: Scenario, subject: str, repeat: int, settings: dict[str, Any], **kw: Any) -> None:
        super().__init__(**kw)
        self.scenario, self.subject, self.repeat, self.settings = scenario, subject, repeat, settings
        self.record: dict[str, Any] | None = None

    def runtest(self) -> None:
        begun = time.monotonic()
        project = project_of(self.settings["root"], self.settings["variant"])
        adapter = adapter_of(self.subject, project)
        out, scratch = Path(self.settings["out"]), Path(self.settings["scratch"])
        settings = Settings(out, self.settings["seed"], self.settings["scale"], scratch)
        outcome = run_and_judge(project, self.scenario, adapter, settings, self.repeat, self.settings["strict"])
        elapsed_s = time.monotonic() - begun
        self.record = record_of(outcome, self.scenario, adapter.name, self.repeat, elapsed_s, self.reproduce())
        failed = [one for one in self.record["results"] if one["verdict"] in ("fail", "error")]
        if failed:
            raise ScenarioFailed("\n\n".join(failure_text(one) for one in failed))

    def reproduce(self) -> str:
        name = self.settings["names"].get(self.scenario.name, self.scenario.name)
        words = ["./run.sh scenario", name, "--seed", self.settings["seed"]]
        words += ["--subject", self.subject] if self.subject != REFERENCE else []
        words += ["--timeout-scale", self.settings["scale"]] if self.settings["scale"] != 1 else []
        words += ["--full"] if "slow" in self.scenario.tags else []
        return " ".join(map(str, words))

    def repr_failure(self, excinfo: pytest.ExceptionInfo, style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, ScenarioFailed) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, self.name


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    outcome = yield
    if call.when == "call" and isinstance(item, ScenarioItem) and item.record:
        outcome.get_result().poolspec = json.dumps(item.record)
