"""What the commands' parsers are made of."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from judge.errors import UsageError
from judge.names import nearest


class Parser(argparse.ArgumentParser):
    """Says which option was meant, and leaves the exit to `main`."""

    def error(self, message: str) -> None:
        known = [option for action in self._actions for option in action.option_strings]
        if message.startswith("unrecognized"):
            words = [word.partition("=")[0] for word in message.split() if word.startswith("-")]
            message += nearest(words[0], known) if words else ""
        raise UsageError(f"{self.prog}: {message}; {self.prog} --help tells more")


def positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not more than 0")
        return value

    read.__name__ = "whole number" if kind is int else "number"
    return read


def variant() -> str:
    """The build that is used where none is named."""
    return os.environ.get("POOLSPEC_VARIANT", "release")


def add_variant(parser: Parser) -> None:
    """--variant, for Project.here."""
    parser.add_argument("--variant", default=variant(), metavar="V", help="which build: build/V (release)")


def add_console(parser: Parser) -> None:
    """-q, -v and --color, for Console."""
    quiet = parser.add_mutually_exclusive_group()
    quiet.add_argument("-q", "--quiet", action="store_true", help="only what is in trouble, and the counts")
    quiet.add_argument("-v", "--verbose", action="store_true", help="every verdict")
    colors = ("auto", "always", "never")
    parser.add_argument("--color", choices=colors, default="auto", help="(auto: on a terminal, unless NO_COLOR is set)")


def add_kept(parser: Parser, name: str) -> None:
    """--json and --out of a command that measures, and keeps what it found under that name."""
    parser.add_argument("--json", action="store_true", help="print the result file instead of what it comes to")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"where {name}.json, its page and its plots go (reports/out/TIME)")
