"""What the kernel says of processes, for the tests that look whether one is left behind."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """What a process has started, and what these have; those that have ended meanwhile are left out."""
    children: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children += map(int, path.read_text().split())
    return [*children, *(one for child in children for one in descendants(child))]


def name_of(pid: int) -> str:
    """Empty where it has ended; one that waits for being buried by whoever inherited it has."""
    with suppress(OSError):
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        return "" if rest.split()[0] == "Z" else name
    return ""


def processes_about(text: str) -> list[str]:
    """The command lines that have this in them."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(cmdline.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if text in line]
