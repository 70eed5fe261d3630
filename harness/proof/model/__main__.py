"""`python3 -m proof.model`: random programs on the reference and on the model, for as long as wanted."""

from __future__ import annotations

import sys
import time

from judge.arguments import Parser, positive
from judge.project import Project
from proof.model.search import search

ROUND = 200  # programs


def main(arguments: list[str]) -> int:
    """Prints the smallest program on which the two part, if there is one. Returns 0 where there is none, else 1."""
    parser = Parser(prog="python3 -m proof.model", description="Plays random programs on the reference pool and on its model.")
    parser.add_argument("--seconds", type=positive(float), default=60, metavar="N", help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first programs; each %(metavar)s gives others (1)")
    parser.add_argument("--variant", default="release", metavar="NAME", help="the build: release, san, mutants/NAME (release)")
    args = parser.parse_args(arguments)
    project = Project.here(args.variant)
    until, start = time.monotonic() + args.seconds, args.seed * 1_000_000
    programs = steps = inconclusive = 0
    while time.monotonic() < until:
        found = search(project, start, ROUND, until - time.monotonic())
        start += 1
        programs, steps, inconclusive = programs + found.programs, steps + found.steps, inconclusive + found.inconclusive
        if found.story:
            print(found.story)
            return 1
    print(f"{programs} programs of {steps} steps, {inconclusive} inconclusive: the pool and the model agree")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
