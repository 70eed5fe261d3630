"""The command line: finds the command's file in commands/, parses, and turns what goes wrong into a sentence and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from judge import commands
from judge.arguments import Parser
from judge.errors import HarnessError, SubjectError, UsageError
from judge.names import nearest

USAGE, UNCLEAR, INTERRUPTED = 2, 3, 130  # as in verdicts.py, which `version` has no time to import


def main(argv: list[str]) -> int:
    signal.signal(signal.SIGTERM, as_interrupt)  # what we have started is ended on that way out, too
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


def as_interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM is Ctrl-C: to whoever waits for that (asyncio does), or as KeyboardInterrupt, also where a shell had us ignore Ctrl-C."""
    handler = signal.getsignal(signal.SIGINT)
    (handler if callable(handler) else signal.default_int_handler)(number, frame)


def dispatch(argv: list[str]) -> int:
    name, rest = (argv[0], argv[1:]) if argv else ("help", [])
    name = {"-h": "help", "--help": "help", "--version": "version"}.get(name, name)
    if "/" in name and not name.startswith("-"):
        name, rest = "scenario", argv
    if name not in commands.all_names():
        raise UsageError(f'there is no command "{name}"{nearest(name, commands.all_names())}; ./run.sh help lists them')
    command = commands.module_of(name)
    if getattr(command, "PASSES_ON", False):
        return command.run(rest)
    parser = Parser(
        prog=f"./run.sh {name}", description=command.SUMMARY[0].upper() + command.SUMMARY[1:] + ".",
        epilog=f"example: ./run.sh {command.EXAMPLE}", allow_abbrev=False,
    )
    if hasattr(command, "arguments"):
        command.arguments(parser)
    return command.run(parser.parse_intermixed_args(rest))  # names may stand behind options, too
