"""./run.sh help"""

from __future__ import annotations

from argparse import Namespace

from judge import commands
from judge.arguments import Parser
from judge.errors import UsageError
from judge.names import nearest

SUMMARY = "this, or a command's own help"
EXAMPLE = "help scenario"

ELSEWHERE = {  # run.sh's own
    "clean": "remove what was built",
    "setup": "install what is missing, by Debian's package names",
}


def arguments(parser: Parser) -> None:
    parser.add_argument("command", nargs="?")


def run(args: Namespace) -> int:
    if args.command is None:
        summaries = {name: commands.module_of(name).SUMMARY for name in commands.all_names()} | ELSEWHERE
        width = max(map(len, summaries))
        print("usage: ./run.sh COMMAND ...   or   ./run.sh FAMILY/NAME...\n")
        for name in sorted(summaries):
            print(f"  {name:<{width}} {summaries[name]}")
        print("\n./run.sh COMMAND --help tells more, with an example.")
        return 0
    if args.command not in commands.all_names():
        raise UsageError(f'there is no command "{args.command}"{nearest(args.command, commands.all_names())}')
    from judge.cli import dispatch

    return dispatch([args.command, "--help"])
