"""./run.sh version"""

from __future__ import annotations

from argparse import Namespace

from judge import VERSION

SUMMARY = "the version"
EXAMPLE = "version"


def run(args: Namespace) -> int:
    print(f"poolspec {VERSION}")
    return 0
