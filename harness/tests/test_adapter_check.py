"""`subject --check`: right adapters pass every check, and each way of being wrong is met by the check that names it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from judge.adapter_check import CHECKS, check
from judge.project import Project
from judge.scenario import FEATURES
from judge.steps import OPS
from judge.subject import find_adapter

PROJECT = Project.here("san")
TEMPLATE = PROJECT.subjects / "_template.py"
TEMPLATE_C, PROTOCOL_C = PROJECT.subjects / "_template.c", PROJECT.subjects / "_subject.h"

WRONG = {  # what the template is made to do, and the check that has to notice
    "says who it is": ('level=["request"]', 'level="request"'),
    "goes on after an unknown op": ('"protocol: unknown op, or too late for it"', '"what?"'),
    "goes on after lines that are no commands": ("(ValueError, KeyError, TypeError) as error", "TypeError as error"),
    "misses a field": ("(ValueError, KeyError, TypeError) as error", "(ValueError, TypeError) as error"),
    "is configured first or not at all": ('op == "configure" and not asked', 'op == "configure"'),
    "reports a refused connection": ("except (OSError, http.client.HTTPException) as error", "except http.client.HTTPException as error"),
    "reports a timeout": ('command.get("timeout_ms", 60000) / 1000', "0.01"),
    "carries large data": ("response.read().decode", "response.read(65536).decode"),
    "runs sockets side by side": (
        "threading.Thread(target=answer, args=(number, command), daemon=True).start()", "answer(number, command)",
    ),
    "takes many at once": ('say(id=number, ok=True, **reply)', 'say(id=number, ok=True, **reply); say(id=number, ok=True, **reply)'),
    "ends at quit": ('elif op == "quit":\n            break', 'elif op == "quit":\n            sys.exit(3)'),
}


def unmet(path: str) -> dict[str, str]:
    return {what: why for what, why in check(find_adapter(path, PROJECT), PROJECT) if why}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Language -> program. The C one is built as its head says, and free of warnings."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copy(TEMPLATE_C, folder)
    shutil.copy(PROTOCOL_C, folder)
    line = re.search(r"^ \* +(cc .*)$", TEMPLATE_C.read_text(), re.MULTILINE)
    assert line
    command = f"{line[1]} -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes"
    built = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    return {"Python": str(TEMPLATE), "C": str(folder / "my-pool")}


def test_the_reference_meets_all() -> None:
    assert unmet("reference") == {}


@pytest.mark.parametrize("language", ["Python", "C"])
def test_a_template_meets_all(templates: dict[str, str], language: str) -> None:
    assert unmet(templates[language]) == {}


@pytest.mark.parametrize("language", ["Python", "C"])
def test_a_template_has_verdicts(templates: dict[str, str], language: str, tmp_path: Path) -> None:
    names = ["http/stray-response", "http/half-close", "http/persists"]
    where = ["--out", str(tmp_path), "--json", str(tmp_path / "j")]
    command = ["./run.sh", "scenario", *names, "--subject", templates[language], *where]
    ran = subprocess.run(command, cwd=PROJECT.root, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    runs = {one["scenario"]: one for one in json.loads((tmp_path / "j").read_text())["runs"]}
    assert {name: runs[name]["verdict"] for name in names} == dict(zip(names, ["fail", "fail", "pass"], strict=True))


def test_the_templates_are_short() -> None:
    assert len(TEMPLATE.read_text().splitlines()) <= 60
    assert len(TEMPLATE_C.read_text().splitlines()) <= 60
    assert len(PROTOCOL_C.read_text().splitlines()) <= 80  # which nobody has to write again


@pytest.mark.parametrize("noticed", WRONG)
def test_a_wrong_adapter_is_noticed(noticed: str, tmp_path: Path) -> None:
    right, wrong = WRONG[noticed]
    text = TEMPLATE.read_text()
    assert right in text
    path = tmp_path / "wrong.py"
    path.write_text(text.replace(right, wrong))
    found = check(find_adapter(str(path), PROJECT), PROJECT)
    assert any(what == noticed and why for what, why in found)


def test_the_protocol_has_every_op_and_feature() -> None:
    text = (PROJECT.subjects / "PROTOCOL.md").read_text()
    assert [word for word in (*OPS, *FEATURES) if f"`{word}`" not in text] == []


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({one.__name__ for one in CHECKS}) == len(CHECKS) >= 15
