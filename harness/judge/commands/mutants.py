"""./run.sh mutants"""

from __future__ import annotations

from argparse import Namespace

from judge.arguments import Parser

SUMMARY = "break the pool on purpose, in one way each; every break must be found"
EXAMPLE = "mutants no-idle-watch"


def arguments(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="of harness/proof/mutants/NAME.toml (all)")
    parser.add_argument(
        "--scenarios", action="store_true", help="no drills of the pure core: scenarios alone, as any other pool is judged",
    )


def run(args: Namespace) -> int:
    from judge import mutants

    return mutants.run_all(args)
