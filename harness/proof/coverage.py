"""Branch coverage of the pure core, from what gcov counted: `python -m proof.coverage FILE.gcda`.

Every branch must have been taken, but those that coverage.toml lists with a reason. An entry there that fits no line, or whose
branches have been taken after all, is wrong, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "pool" / "pool.c"
UNREACHABLE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Line:
    number: int
    text: str
    branches: tuple[int, ...]  # how often each was taken


def lines(counted: dict, source: str) -> list[Line]:
    """The lines with branches, from gcov's JSON; without asserts, whose other branch ends the process."""
    texts = source.splitlines()
    found = next(file for file in counted["files"] if Path(file["file"]).name == SOURCE.name)["lines"]
    all_lines = [Line(n := at["line_number"], texts[n - 1].strip(), tuple(b["count"] for b in at["branches"])) for at in found]
    return [line for line in all_lines if line.branches and not line.text.startswith("assert(")]


def missing(covered: list[Line], listed: dict[str, int]) -> list[str]:
    """What is wrong, in sentences; nothing: every branch was taken, or is listed."""
    untaken = Counter({line.text: 0 for line in covered})
    for line in covered:
        untaken[line.text] += line.branches.count(0)
    wrong = [f"pool.c: {untaken[text]} branch(es) never taken, {listed.get(text, 0)} listed: {text}"
             for text in untaken if untaken[text] != listed.get(text, 0)]
    return wrong + [f"{UNREACHABLE.name}: no such line in pool.c: {text}" for text in listed if text not in untaken]


def gcov(data: Path) -> dict:
    command = ["gcov", "--json-format", "--stdout", "-b", data.name]
    return json.loads(subprocess.run(command, cwd=data.parent, capture_output=True, text=True, check=True).stdout)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python3 -m proof.coverage FILE.gcda", file=sys.stderr)
        return 2
    covered = lines(gcov(Path(arguments[0]).resolve()), SOURCE.read_text())
    listed = {entry["line"]: entry["branches"] for entry in tomllib.loads(UNREACHABLE.read_text())["unreachable"]}
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
