"""./run.sh subject"""

from __future__ import annotations

import os
from argparse import Namespace

from judge.arguments import Parser, add_variant, positive
from judge.errors import HarnessError, UsageError
from judge.project import Project
from judge.subject import adapters, find_adapter

SUMMARY = "a subject's adapter on standard input and output"
EXAMPLE = "subject --check harness/subjects/_template.py"


def arguments(parser: Parser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="one of --list, or any adapter by a path with a slash in it")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--check", action="store_true", help="prove that NAME (or a path) speaks harness/subjects/PROTOCOL.md")
    parser.add_argument("--timeout-scale", type=positive(float), default=1.0, metavar="F", help="--check: wait F times as long (1)")
    add_variant(parser)


def run(args: Namespace) -> int:
    project = Project.here(args.variant)
    if args.list:
        print("\n".join(adapters(project)))
        return 0
    if args.name is None:
        raise UsageError("./run.sh subject: which one? ./run.sh subject --list prints the names")
    adapter = find_adapter(args.name, project)
    if args.check:
        from judge import adapter_check

        return adapter_check.report(adapter, project, args.timeout_scale)
    argv = adapter.argv
    try:
        os.execvp(argv[0], argv)
    except OSError as err:
        raise HarnessError(f"subject {args.name} cannot be started: {err.strerror}: {argv[0]}") from None
