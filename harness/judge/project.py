"""Where things are. Presence is registration: folders are read, no list is kept."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from judge.errors import HarnessError

if TYPE_CHECKING:
    from judge.clauses import Clause
    from judge.sources import Document

REFERENCE = "reference"  # the subject, and the program, that is our own pool
PYTHON = "/usr/bin/python3"  # Debian's: another python3 may come first on PATH and lack what we need


@dataclass(frozen=True)
class Project:
    root: Path
    variant: str = "release"

    @classmethod
    def here(cls, variant: str = "release") -> Project:
        return cls(Path(__file__).resolve().parents[2], variant)

    @property
    def build(self) -> Path:
        return self.root / "build" / self.variant

    @property
    def scenarios(self) -> Path:
        return self.root / "scenarios"

    @property
    def subjects(self) -> Path:
        return self.root / "harness" / "subjects"

    @property
    def out(self) -> Path:
        return self.root / "reports" / "out"

    @property
    def results(self) -> Path:
        """What is tracked of the last verdicts."""
        return self.root / "reports" / "results"

    def program(self, name: str) -> Path:
        path = self.build / name
        if not path.exists():
            raise HarnessError(f"build/{self.variant}/{name} is not built")
        return path

    def become(self, program: str, words: list[str]) -> NoReturn:
        """This process becomes the program: signals and exit status are its own."""
        path = self.program(program)
        os.execv(path, [str(path), *words])

    @cached_property
    def clauses(self) -> dict[str, Clause]:
        from judge.clauses import load_clauses

        return load_clauses(self.scenarios / "semantics")

    @cached_property
    def documents(self) -> list[Document]:
        from judge.sources import load_documents

        return load_documents(self.scenarios / "semantics", self.clauses)

    @cached_property
    def behaviours(self) -> dict[str, dict]:
        """Every behaviour of the mock server by name, with its options, as the program itself lists them."""
        run = subprocess.run([self.program("server"), "--list"], capture_output=True, text=True, timeout=30, check=False)
        try:
            listed = json.loads(run.stdout)
        except ValueError:
            said = (run.stderr or run.stdout)[-200:]
            raise HarnessError(f"build/{self.variant}/server --list prints no JSON: {said!r}") from None
        return {entry["name"]: entry for entry in (listed["behaviours"] if isinstance(listed, dict) else listed)}
