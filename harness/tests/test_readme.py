"""The README says what is there."""

from __future__ import annotations

import re

from judge import commands
from judge.commands.help import ELSEWHERE
from judge.project import Project
from judge.scenario import load_scenarios

PROJECT = Project.here()
README = (PROJECT.root / "README.md").read_text()


def test_the_table_lists_every_family() -> None:
    table = README.partition("<!-- scenarios -->")[2].partition("<!-- /scenarios -->")[0]
    rows = re.findall(r"^\| `(.+?)` \| .+ \|$", table, re.MULTILINE)
    assert rows == list(dict.fromkeys(rows))
    assert set(rows) == {name.partition("/")[0] for name in load_scenarios(PROJECT)}


def test_every_command_that_it_shows_exists() -> None:
    shown = set(re.findall(r"\./run\.sh ([a-z-]+)\b(?!/)", README))
    assert shown and shown <= {*commands.all_names(), *ELSEWHERE}


def test_every_file_that_it_links_exists() -> None:
    links = re.findall(r"\]\(((?!http)[^)]+)\)", README)
    assert links and not [link for link in links if not (PROJECT.root / link).exists()]
