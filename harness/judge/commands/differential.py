"""./run.sh differential"""

from __future__ import annotations

import time
from argparse import ArgumentTypeError, Namespace

from judge.arguments import Parser, add_variant, positive
from judge.verdicts import FAILED, OK, UNCLEAR

SUMMARY = "play the same connections to a real server and to its imitation, and compare"
EXAMPLE = "differential nginx --seed 7 --cases 500"


def arguments(parser: Parser) -> None:
    from judge.differential import sides

    add = parser.add_argument
    add("kind", choices=sides.kinds(), metavar="nginx|tomcat", help="the real server, installed when it is missing")
    add("names", nargs="*", metavar="CASE|GLOB", help="cases by name, random/NUMBER too (all written ones, and random ones)")
    add("--seed", type=int, default=1, metavar="N", help="of the random cases (1)")
    add("--cases", type=not_negative, default=100, metavar="N", help="so many random ones (100)")
    add("--full", action="store_true", help="the long ones, too")
    add("--jobs", type=positive(int), default=100, metavar="N", help="so many connections side by side (100)")
    add("--timeout-scale", type=positive(float), default=1.0, metavar="F", help="count the measured lag F times: slow machines (1)")
    add("--against", metavar="BEHAVIOUR", help="compare with this behaviour, or with `real`: the real one a second time")
    add("-v", "--verbose", action="store_true", help="show both timelines of every case")
    add("--list", action="store_true", help="only say what would be played")
    add_variant(parser)


def not_negative(text: str) -> int:
    if not text.isdigit():
        raise ArgumentTypeError(f"{text} is no number of cases")
    return int(text)


def run(args: Namespace) -> int:
    from judge.differential import run as differential
    from judge.progress import progress
    from judge.project import Project

    cases = differential.select(args.kind, args.names, args.seed, args.cases, args.full)
    if args.list:
        for case in cases:
            print(f"{case.name:<44} {case.server:<10} {'; '.join(step.text for step in case.steps)}")
        return 0
    begun = time.monotonic()
    told = differential.Progress(len(cases))
    try:
        progress(f"starting {args.kind}")
        played = differential.run(
            Project.here(args.variant), args.kind, cases, args.jobs, args.timeout_scale, args.against, told
        )
    finally:
        progress("")
    return report(args, played, time.monotonic() - begun)


def report(args: Namespace, played: object, elapsed_s: float) -> int:
    from judge.differential.run import Played
    from judge.differential.show import difference_text

    assert isinstance(played, Played)
    shown = played.outcomes if args.verbose else [*played.troubled, *played.unclear]
    for one in sorted(shown, key=lambda one: one.case.name):
        again = f"./run.sh differential {args.kind} {one.case.name} --seed {args.seed}"
        again += f" --against {args.against}" if args.against else ""
        if one in played.unclear:
            print(f"inconclusive, because player or server were {one.late_ms:.0f} ms late:")
        print(difference_text(args.kind, one.case, one.real, one.mock, one.differences, again, args.against) + "\n")
    for problem in played.problems:
        print(f"problem {problem}")
    known = sum(bool(one.differences) and not one.unexplained for one in played.outcomes)
    counts = [f"{len(played.troubled)} differ", f"{known} as listed"]
    counts += [f"{len(played.unclear)} inconclusive"] if played.unclear else []
    print(f"{len(played.outcomes)} cases, {', '.join(counts)}, in {elapsed_s:.1f} s")
    return UNCLEAR if played.unclear else FAILED if played.troubled or played.problems else OK
