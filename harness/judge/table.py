"""Strict reading of TOML: a key that nobody asked for is an error, with a sentence that names file, place and nearest key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from judge.errors import UsageError
from judge.names import nearest

REQUIRED: Any = object()
WORDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a table"}


def shown(path: Path) -> str:
    """A path as a reader would type it: from here, where that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class Table:
    """One TOML table. Take the keys that are known, then call `end`."""

    def __init__(self, path: Path, where: str, data: dict[str, Any]):
        self.path, self.where, self.data = path, where, data
        self.known: set[str] = set()

    @classmethod
    def load(cls, path: Path) -> Table:
        try:
            return cls(path, "", tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
            raise UsageError(f"{shown(path)}: not a TOML file: {err}") from None
        except OSError as err:
            raise UsageError(f"{shown(path)}: cannot be read: {err.strerror}") from None

    def error(self, problem: str) -> UsageError:
        return UsageError(": ".join(part for part in (shown(self.path), self.where, problem) if part))

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = REQUIRED) -> Any:
        self.known.add(key)
        if key not in self.data:
            if default is REQUIRED:
                raise self.error(f'the key "{key}" is missing')
            return default
        value = self.data[key]
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.error(f'"{key}" must be {" or ".join(WORDS[k] for k in kinds)}, not {value!r}')
        return value

    def text(self, key: str, default: Any = REQUIRED) -> Any:
        value = self.take(key, str, default)
        if value == "" and default is REQUIRED:
            raise self.error(f'"{key}" is empty')
        return value

    def number(self, key: str, default: Any = REQUIRED, least: float = 0) -> Any:
        value = self.take(key, (int, float), default)
        if isinstance(value, (int, float)) and value < least:
            raise self.error(f'"{key}" must be at least {least}, not {value}')
        return value

    def whole(self, key: str, default: Any = REQUIRED, least: int = 0) -> Any:
        value = self.take(key, int, default)
        if isinstance(value, int) and value < least:
            raise self.error(f'"{key}" must be at least {least}, not {value}')
        return value

    def flag(self, key: str, default: Any = REQUIRED) -> Any:
        return self.take(key, bool, default)

    def choice(self, key: str, known: Any, default: Any = REQUIRED) -> Any:
        value = self.text(key, default)
        if value is not default:
            self.check_name(key, value, known)
        return value

    def names(self, key: str, known: Any = None) -> tuple[str, ...]:
        values = self.take(key, list, [])
        for value in values:
            if not isinstance(value, str):
                raise self.error(f'"{key}" must be a list of strings')
            if known is not None:
                self.check_name(key, value, known)
        return tuple(values)

    def check_name(self, key: str, value: str, known: Any) -> None:
        if value not in known:
            raise self.error(f'unknown {key} "{value}"{nearest(value, known)}')

    def tables(self, key: str) -> list[Table]:
        values = self.take(key, list, [])
        return [self.child(f"{self.where}[[{key}]] {n}", value) for n, value in enumerate(values, 1)]

    def table(self, key: str) -> Table | None:
        value = self.take(key, dict, None)
        return None if value is None else self.child(f"{self.where}[{key}]", value)

    def child(self, where: str, value: Any) -> Table:
        if not isinstance(value, dict):
            raise self.error(f"{where} must be a table, not {value!r}")
        return Table(self.path, where, value)

    def end(self) -> None:
        for key in self.data:
            if key not in self.known:
                raise self.error(f'unknown key "{key}"{nearest(key, self.known)}')
