"""The commands whose work another program or module does: their arguments go there as they are."""

from __future__ import annotations

import os

from judge.project import Project


def replace_by(program: str, args: list[str]) -> int:
    """This process becomes the program: signals and exit status are its own."""
    path = Project.here(os.environ.get("POOLSPEC_VARIANT", "release")).program(program)
    os.execv(path, [str(path), *args])


def serve(args: list[str]) -> int:
    return replace_by("server", args)


def load(args: list[str]) -> int:
    return replace_by("load", args)


def test(args: list[str]) -> int:
    from judge.selftest import main

    return main(args)


def mutants(args: list[str]) -> int:
    from judge.mutants import main

    return main(args)


def bench(args: list[str]) -> int:
    from judge.bench import main

    return main(args)
