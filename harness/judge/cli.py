"""The command line. Parsing only: each command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from judge import VERSION
from judge.errors import HarnessError, SubjectError, UsageError
from judge.names import nearest

USAGE, UNCLEAR, INTERRUPTED = 2, 3, 130  # as in verdicts.py, which `version` has no time to import

COMMANDS: dict[str, tuple[str, str]] = {  # name → what it does, an example
    "scenario": ("run scenarios and judge them", "scenario 'idle/*' --jobs 2"),
    "list": ("scenarios, behaviours, subjects or clauses by name", "list scenarios --json"),
    "explain": ("what a clause says, or what a scenario does", "explain idle/stray-byte"),
    "serve": ("a server that misbehaves, until SIGINT or SIGTERM", "serve close-idle --after-ms 500 --port 8080"),
    "subject": ("a subject's adapter on standard input and output", "subject reference"),
    "load": ("the load generator against any server", "load http://127.0.0.1:8080/ -c 10 -d 5s"),
    "judge": ("judge kept traces again", "judge reports/out/latest"),
    "bench": ("the load generator and wrk, side by side", "bench"),
    "mutants": ("break the pool on purpose; every break must be found", "mutants"),
    "test": ("the project's own tests", "test"),
    "help": ("this, or a command's own help", "help scenario"),
    "version": ("the version", "version"),
}


ELSEWHERE = {  # run.sh's own
    "setup": "install what is missing, by Debian's package names",
    "clean": "remove what was built",
}


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


def parser_of(command: str) -> Parser:
    what, example = COMMANDS[command]
    parser = Parser(
        prog=f"./run.sh {command}", description=what[0].upper() + what[1:] + ".", epilog=f"example: ./run.sh {example}",
        allow_abbrev=False,
    )
    add = parser.add_argument
    if command == "scenario":
        add("names", nargs="*", metavar="NAME|GLOB", help="scenarios by name or glob, or a file (all that are not slow)")
        add("--subject", default="reference", metavar="S[,S]", help="pools to judge: names, or paths of adapters (reference)")
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
        add("--list", action="store_true", help="only say what would run")
    elif command == "list":
        add("what", metavar="scenarios|behaviours|subjects|clauses")
        add("--json", action="store_true", help="as JSON")
    elif command == "explain":
        add("name", metavar="CLAUSE|SCENARIO")
    elif command == "subject":
        add("name", nargs="?", metavar="NAME")
        add("--list", action="store_true", help="print the names")
        add("--check", action="store_true", help="prove that the adapter NAME (or a path) speaks the subject protocol")
    elif command == "judge":
        add("dir", type=Path, metavar="DIR", help="a run's folder, or one trace")
        add("--strict", action="store_true", help="an advisory is a failure")
        add("--json", type=Path, metavar="FILE", help="the results, there")
    elif command == "help":
        add("command", nargs="?")
    if command in ("scenario", "judge"):
        quiet = parser.add_mutually_exclusive_group()
        quiet.add_argument("-q", "--quiet", action="store_true", help="only what is in trouble, and the counts")
        quiet.add_argument("-v", "--verbose", action="store_true", help="every verdict")
        add("--color", choices=("auto", "always", "never"), default="auto", help="(auto: on a terminal, unless NO_COLOR is set)")
    if command not in ("help", "version"):
        variant = os.environ.get("POOLSPEC_VARIANT", "release")
        add("--variant", default=variant, metavar="V", help="which build: build/V (release)")
    return parser


PASSED_ON = ("serve", "load", "bench", "mutants", "test")  # their arguments, --help too, are another program's


def main(argv: list[str]) -> int:
    try:
        code = dispatch(argv)
        sys.stdout.flush()
        return code
    except UsageError as err:
        print(f"poolspec: {err}", file=sys.stderr)
        return USAGE
    except (HarnessError, SubjectError) as err:
        print(f"poolspec: {err}", file=sys.stderr)
        return UNCLEAR
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as err:  # standard output on a full disk, say
        print(f"poolspec: {err.strerror}{f': {err.filename}' if err.filename else ''}", file=sys.stderr)
        return UNCLEAR
    except KeyboardInterrupt:
        return INTERRUPTED


def dispatch(argv: list[str]) -> int:
    command, rest = (argv[0], argv[1:]) if argv else ("help", [])
    if command in ("-h", "--help", "--version"):
        command = "help" if command != "--version" else "version"
    if "/" in command and not command.startswith("-"):
        command, rest = "scenario", argv
    if command not in COMMANDS:
        raise UsageError(f'there is no command "{command}"{nearest(command, COMMANDS)} ./run.sh help lists them')
    if command == "version":
        parser_of(command).parse_args(rest)
        print(f"poolspec {VERSION}")
        return 0
    if command in PASSED_ON:
        from judge.commands import programs

        return getattr(programs, command)(rest)
    args = parser_of(command).parse_args(rest)
    if command == "help":
        return print_help(args.command)
    from judge import commands

    return commands.run(command, args)


def print_help(command: str | None) -> int:
    if command is None:
        print("usage: ./run.sh COMMAND ...   or   ./run.sh FAMILY/NAME...\n")
        for name, what in ({name: what for name, (what, _) in COMMANDS.items()} | ELSEWHERE).items():
            print(f"  {name:<10} {what}")
        print("\n./run.sh COMMAND --help tells more, with an example.")
        return 0
    if command not in COMMANDS:
        raise UsageError(f'there is no command "{command}"{nearest(command, COMMANDS)}')
    return dispatch([command, "--help"])
