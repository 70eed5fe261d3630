"""The commands that are the judge's own, one file each."""

from __future__ import annotations

import importlib
from argparse import Namespace


def run(command: str, args: Namespace) -> int:
    name = {"list": "listing", "judge": "rejudge"}.get(command, command)
    return importlib.import_module(f"{__name__}.{name}").run(args)
