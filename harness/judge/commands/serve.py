"""./run.sh serve"""

from __future__ import annotations

from typing import NoReturn

from judge.arguments import variant
from judge.project import Project

SUMMARY = "a server that misbehaves, until SIGINT or SIGTERM"
EXAMPLE = "serve close-idle --after-ms 500 --port 8080"
PASSES_ON = True


def run(words: list[str]) -> NoReturn:
    Project.here(variant()).become("server", words)
