"""./run.sh load"""

from __future__ import annotations

from typing import NoReturn

from judge.arguments import variant
from judge.project import Project

SUMMARY = "the load generator against any server"
EXAMPLE = "load http://127.0.0.1:8080/ -c 10 -d 5s"
PASSES_ON = True


def run(words: list[str]) -> NoReturn:
    Project.here(variant()).become("load", words)
