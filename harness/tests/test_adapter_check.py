"""`subject --check`: right adapters pass every check, and each way of being wrong is met by the check that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge.adapter_check import CHECKS, check
from judge.project import Project
from judge.subject import find_adapter

PROJECT = Project.here("san")
TEMPLATE = PROJECT.subjects / "_template.py"

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


@pytest.mark.parametrize("name", ["reference", str(TEMPLATE)], ids=["reference", "template"])
def test_a_right_adapter_meets_all(name: str) -> None:
    assert unmet(name) == {}


def test_the_template_is_short() -> None:
    assert len(TEMPLATE.read_text().splitlines()) <= 60


@pytest.mark.parametrize("noticed", WRONG)
def test_a_wrong_adapter_is_noticed(noticed: str, tmp_path: Path) -> None:
    right, wrong = WRONG[noticed]
    text = TEMPLATE.read_text()
    assert right in text
    path = tmp_path / "wrong.py"
    path.write_text(text.replace(right, wrong))
    found = check(find_adapter(str(path), PROJECT), PROJECT)
    assert any(what == noticed and why for what, why in found)


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({one.__name__ for one in CHECKS}) == len(CHECKS) >= 15
