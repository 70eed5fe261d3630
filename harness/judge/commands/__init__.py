"""The commands, one file each; presence is registration. commands/do_this.py is `./run.sh do-this` and has

    SUMMARY                 what it does, a phrase for the list
    EXAMPLE                 arguments of ./run.sh, for its help
    arguments(parser)       adds its arguments to an arguments.Parser; absent where it has none
    run(args)               does it and returns the exit code; args: what the parser found
    PASSES_ON = True        where its arguments, --help too, are another program's: then run(words) gets them as they are

Only the one that was asked for is imported, and `help` imports them all: what takes time to import waits until `run`."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType


def all_names() -> list[str]:
    return sorted(path.stem.replace("_", "-") for path in Path(__file__).parent.glob("[a-z]*.py"))


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
