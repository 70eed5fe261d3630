"""./run.sh scenario"""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from pathlib import Path

from judge.arguments import Parser, add_console, add_variant, positive
from judge.console import Console
from judge.project import REFERENCE, Project
from judge.scenario import load_scenarios
from judge.session import Wish, run_scenarios, select

SUMMARY = "run scenarios and judge them"
EXAMPLE = "scenario 'idle/*' --jobs 2"


def arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME|GLOB", help="scenarios by name or glob, or a file (all that are not slow)")
    add("--subject", default=REFERENCE, metavar="S[,S]", help="pools to judge: names, or paths of adapters (reference)")
    add("--seed", type=int, default=1, metavar="N", help="of the tokens and the load generator (1)")
    add("--repeat", type=positive(int), default=1, metavar="N", help="run each so often (1)")
    add("--jobs", type=positive(int), default=1, metavar="N", help="run so many at a time (1)")
    add("--timeout-scale", type=positive(float), default=1.0, metavar="F", help="multiply upper bounds: slow machines (1)")
    add("--full", action="store_true", help="the slow ones, too")
    add("--strict", action="store_true", help="an advisory is a failure")
    add("--out", type=Path, metavar="DIR", help="where results go (reports/out/TIME)")
    add("--json", type=Path, metavar="FILE", help="results.json once more, there")
    add("--junit", type=Path, metavar="FILE", help="junit.xml once more, there")
    add("--markdown", type=Path, metavar="FILE", help="summary.md once more, there")
    add("--fail-on", default="", metavar="RULES", help="also fail on, say, 'reuse<0.95,errors>0' in a healthy load run")
    add("--record", action="store_true", help="keep the verdicts as the last ones of each subject, in reports/results/")
    add("--list", action="store_true", help="only say what would run")
    add_console(parser)
    add_variant(parser)


def run(args: Namespace) -> int:
    project = Project.here(args.variant)
    wish = Wish(
        names=tuple(args.names), subjects=tuple(dict.fromkeys(args.subject.split(","))), seed=args.seed, repeat=args.repeat,
        jobs=args.jobs, scale=args.timeout_scale, full=args.full, strict=args.strict, out=args.out, json=args.json,
        junit=args.junit, markdown=args.markdown, fail_on=args.fail_on, record=args.record, command="./run.sh " + shlex.join(sys.argv[1:]),
    )
    if args.list:
        for scenario in select(wish, load_scenarios(project), project):
            print(f"{scenario.name:<40} {scenario.summary}")
        return 0
    return run_scenarios(wish, project, Console(args.color, -1 if args.quiet else int(args.verbose)))
