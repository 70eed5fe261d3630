"""The checkers: one property each, one file each. Presence is registration.

A checker is a module with a pure function `check(trace, *, ...) -> Finding`; its keyword arguments are its parameters, its
docstring is their manual. A module that names a clause in EVERY_TRACE is run on every trace, step or load, whatever the
scenario is about."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from functools import cache
from types import ModuleType
from typing import Any

from judge.errors import UsageError
from judge.names import nearest
from judge.params import labels_in, misfit


@cache
def names() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def module(name: str) -> ModuleType:
    if name not in names():
        raise UsageError(f'unknown checker "{name}"{nearest(name, names())}')
    return importlib.import_module(f"{__name__}.{name}")


@cache
def universal() -> dict[str, str]:
    """Clause → checker of those that are run on every trace."""
    return {module(name).EVERY_TRACE: name for name in names() if hasattr(module(name), "EVERY_TRACE")}


@cache
def parameters(name: str) -> dict[str, tuple[Any, bool]]:
    """Each parameter's kind, and whether it must be given."""
    check = module(name).check
    hints = typing.get_type_hints(check)
    given = [p for p in inspect.signature(check).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {p.name: (hints[p.name], p.default is p.empty) for p in given}


def problem(name: str, given: dict[str, Any]) -> str | None:
    """What is wrong with the parameters, as a phrase."""
    known = parameters(name)
    for key, value in given.items():
        if key not in known:
            return f'checker "{name}" has no parameter "{key}"{nearest(key, known)}'
        wrong = misfit(value, known[key][0])
        if wrong:
            return f'"{key}" of checker "{name}" {wrong}'
    missing = [key for key, (_, must) in known.items() if must and key not in given]
    return f'checker "{name}" needs "{missing[0]}"' if missing else None


def labels(name: str, given: dict[str, Any]) -> list[str]:
    """The step labels and marks that the parameters name."""
    return [label for key, value in given.items() for label in labels_in(value, parameters(name)[key][0])]
