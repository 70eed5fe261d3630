"""Branch coverage of the pure core, from what gcov counted: `python -m proof.coverage FILE.gcda...`.

Every branch must have been taken, but those that coverage.toml lists with a reason. An entry there that fits no line, or whose
branches have been taken after all, is wrong, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CORE = Path(__file__).parents[1] / "pool"
UNREACHABLE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Line:
    where: str  # the file's name and the line's text: what an entry in coverage.toml names
    number: int
    branches: tuple[int, ...]  # how often each was taken


def lines(counted: dict, core: Path) -> Iterator[Line]:
    """The lines of the core with branches, from gcov's JSON; without asserts, whose other branch ends the process."""
    for file in counted["files"]:
        source = core / Path(file["file"]).name
        if not source.exists():  # a header of the system's
            continue
        texts = source.read_text().splitlines()
        for at in file["lines"]:
            text = texts[at["line_number"] - 1].strip()
            if at["branches"] and not text.startswith("assert("):
                yield Line(f"{source.name}: {text}", at["line_number"], tuple(b["count"] for b in at["branches"]))


def missing(covered: list[Line], listed: dict[str, int]) -> list[str]:
    """What is wrong, in sentences; nothing: every branch was taken, or is listed."""
    untaken = Counter({line.where: 0 for line in covered})
    for line in covered:
        untaken[line.where] += line.branches.count(0)
    wrong = [f"{untaken[where]} branch(es) never taken, {listed.get(where, 0)} listed: {where}"
             for where in untaken if untaken[where] != listed.get(where, 0)]
    return wrong + [f"{UNREACHABLE.name}: no such line: {where}" for where in listed if where not in untaken]


def gcov(data: Path) -> dict:
    command = ["gcov", "--json-format", "--stdout", "-b", data.name]
    return json.loads(subprocess.run(command, cwd=data.parent, capture_output=True, text=True, check=True).stdout)


def main(arguments: list[str]) -> int:
    if not arguments:
        print("usage: python3 -m proof.coverage FILE.gcda...", file=sys.stderr)
        return 2
    covered = [line for data in arguments for line in lines(gcov(Path(data).resolve()), CORE)]
    listed = {f"{entry['file']}: {entry['line']}": entry["branches"] for entry in tomllib.loads(UNREACHABLE.read_text())["unreachable"]}
    branches = sum(len(line.branches) for line in covered)
    taken = branches - sum(line.branches.count(0) for line in covered)
    beyond = sum(listed.values())
    print(f"branch coverage of the pure core: {100 * taken / (branches - beyond):.1f} % of {branches - beyond} branches"
          f" ({beyond} more cannot be reached: harness/proof/{UNREACHABLE.name})")
    wrong = missing(covered, listed)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
