"""./run.sh scenario"""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace

from judge.console import Console
from judge.project import Project
from judge.scenario import load_scenarios
from judge.session import Wish, run_scenarios, select


def run(args: Namespace) -> int:
    project = Project.here(args.variant)
    wish = Wish(
        names=tuple(args.names), subjects=tuple(dict.fromkeys(args.subject.split(","))), seed=args.seed, repeat=args.repeat,
        jobs=args.jobs, scale=args.timeout_scale, full=args.full, strict=args.strict, out=args.out, json=args.json,
        junit=args.junit, markdown=args.markdown, fail_on=args.fail_on, command="./run.sh " + shlex.join(sys.argv[1:]),
    )
    if args.list:
        for scenario in select(wish, load_scenarios(project), project):
            print(f"{scenario.name:<40} {scenario.summary}")
        return 0
    return run_scenarios(wish, project, Console(args.color, -1 if args.quiet else int(args.verbose)))
