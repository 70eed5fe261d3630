"""Whether a value from a scenario file fits the annotation of a checker's parameter, and which labels it names."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from judge.names import nearest
from judge.table import WORDS
from judge.trace import Bounds, Conn, Label, Mark


def misfit(value: Any, hint: Any) -> str | None:
    """Why the value does not fit, as the end of a sentence; None where it does."""
    if hint in (Any, object):
        return None
    if hint is Conn:
        fits = isinstance(value, (int, str)) and not isinstance(value, bool)
        return None if fits else "must be a connection's number or a label"
    if hint is Bounds:
        return _misfit_bounds(value)
    hint = getattr(hint, "__supertype__", hint)
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        wrongs = [misfit(value, option) for option in typing.get_args(hint) if option is not types.NoneType]
        return None if None in wrongs else " or ".join(wrongs)
    if origin is list:
        if not isinstance(value, list) or not value:
            return "must be a list that is not empty"
        return next((wrong for one in value if (wrong := misfit(one, typing.get_args(hint)[0]))), None)
    if typing.is_typeddict(hint):
        return _misfit_table(value, hint)
    if hint is float:
        hint, word = (int, float), WORDS[float]
    else:
        word = WORDS[hint]
    fits = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    return None if fits else f"must be {word}, not {value!r}"


def _misfit_bounds(value: Any) -> str | None:
    if not isinstance(value, dict) or not value:
        return "must be a table of figures that is not empty"
    for figure, bounds in value.items():
        numbers = bounds if isinstance(bounds, list) and len(bounds) == 2 else [bounds]
        if not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in numbers):
            return f'needs a number or [least, most] at "{figure}", not {bounds!r}'
    return None


def _misfit_table(value: Any, hint: Any) -> str | None:
    fields = typing.get_type_hints(hint)
    if not isinstance(value, dict):
        return f"must be a table, not {value!r}"
    for key, one in value.items():
        if key not in fields:
            return f'knows no "{key}"{nearest(key, fields)}'
        wrong = misfit(one, fields[key])
        if wrong:
            return f'{wrong} at "{key}"'
    missing = hint.__required_keys__ - set(value)
    return f'needs "{min(missing)}"' if missing else None


def labels_in(value: Any, hint: Any) -> Iterator[str]:
    """Every label and mark in a value that fits."""
    if hint in (Label, Mark) or (hint is Conn and isinstance(value, str)):
        yield value
    elif typing.get_origin(hint) in (types.UnionType, typing.Union):
        for option in typing.get_args(hint):
            if option is not types.NoneType and misfit(value, option) is None:
                yield from labels_in(value, option)
    elif typing.get_origin(hint) is list:
        for one in value:
            yield from labels_in(one, typing.get_args(hint)[0])
    elif typing.is_typeddict(hint):
        fields = typing.get_type_hints(hint)
        for key, one in value.items():
            yield from labels_in(one, fields[key])
