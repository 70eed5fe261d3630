"""Runs gnuplot: a batch of charts in, an SVG and a PNG of each out.

Starting gnuplot and loading fonts costs more than a chart does, so a batch is shared out over a few processes only. A chart
carries its data within its script; nothing but the two pictures touches the disk.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import unicodedata
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .palette import INK, MUTED, PAPER, STYLE

PNG_SCALE = 1.5  # PNGs are looked at on dense screens, and scaled down in documents
TIMEOUT_S = 120


class GnuplotError(Exception):
    """One sentence: gnuplot is missing, or failed, and at which chart."""


@dataclass(frozen=True)
class Plot:
    """One chart. Everything but the data is placed in pixels, since a character is not equally high in an SVG and a PNG."""

    name: str  # the stem of its files, see `stem`
    title: str
    subtitle: str
    x_label: str
    script: str  # ranges, tics, plot; NORMAL is the font of ordinary text
    width: int = 900
    height: int = 480
    margins: tuple[int, int, int, int] = (84, 48, 66, 84)  # left, right, top, bottom


def quote(text: object) -> str:
    """A gnuplot string that nothing in `text` can end or expand: single quotes know no escapes but the doubled quote.
    Control characters and broken surrogates become blanks, and `]]>`, which gnuplot would leave as it is, ends no SVG."""
    printable = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in str(text))
    return "'" + printable.replace("]]>", "]] >").replace("'", "''") + "'"


def tics(labels: Iterable[tuple[str, float]]) -> str:
    """The list of an axis' labelled tics. Each label passes as a number format, so its percent signs are doubled."""
    return "(" + ", ".join(f"{quote(label.replace('%', '%%'))} {at:.10g}" for label, at in labels) + ")"


def block(name: str, rows: Iterable[Sequence[float]]) -> str:
    """A named data block, `$name` in the plot command. Numbers only: text belongs in a quoted label."""
    lines = [" ".join(f"{value:.10g}" for value in row) for row in rows]
    return "\n".join([f"${name} << EOD", *lines, "EOD", ""])


def step(top: float, most: int) -> float:
    """A round distance of tics, so that no more than `most` of them lie between 0 and `top`."""
    decade = 10.0 ** math.floor(math.log10(top / most))
    return next(decade * factor for factor in (1, 2, 5, 10) if decade * factor * most >= top)


def _frame(plot: Plot) -> str:
    """The margins, title and subtitle flush left above the chart, and what the horizontal axis is below it."""
    left, right, top, bottom = plot.margins
    edges = (("l", left / plot.width), ("r", 1 - right / plot.width), ("t", 1 - top / plot.height), ("b", bottom / plot.height))
    lines = [f"set {edge}margin at screen {at:.5f}" for edge, at in edges]
    middle = (left + plot.width - right) / 2
    texts = ((1001, plot.title, 12, 20, "left", "LARGE", INK), (1002, plot.subtitle, 12, 40, "left", "NORMAL", MUTED),
             (1003, plot.x_label, middle, plot.height - bottom + 36, "center", "NORMAL", MUTED))
    lines += [f"set label {number} {quote(text)} at screen {x / plot.width:.5f}, screen {1 - y / plot.height:.5f} {justify} "
              f"font {font} textcolor rgb '{colour}' noenhanced front" for number, text, x, y, justify, font, colour in texts]
    return "\n".join([*lines, ""])


def stem(*parts: str) -> str:
    """A file's stem out of names that may hold anything: `latency`, `load/a b` -> latency__load_a_b"""
    return "__".join(re.sub(r"[^A-Za-z0-9_.-]", "_", part).strip("_.") or "_" for part in parts)


def _script(plot: Plot) -> str:
    width, height = round(plot.width * PNG_SCALE), round(plot.height * PNG_SCALE)
    scales = f"fontscale {PNG_SCALE} linewidth {PNG_SCALE} pointscale {PNG_SCALE}"
    terminals = (  # an SVG's font sizes are pixels, a PNG's are points: 4/3 of a pixel
        ("svg", 12, f"svg size {plot.width},{plot.height} dynamic background '{PAPER}'"),
        ("png", 9, f"pngcairo size {width},{height} background '{PAPER}' {scales}"),
    )
    return "".join(
        f"reset\nset terminal {terminal} font 'sans-serif,{size}' noenhanced\n"
        f"NORMAL = 'sans-serif,{size}'\nLARGE = 'sans-serif Bold,{size * 1.2}'\n"
        f"set output {quote(plot.name + '.' + kind)}\n{STYLE}{_frame(plot)}{plot.script}\nunset output\n"
        for kind, size, terminal in terminals
    )


def _complete(path: Path) -> bool:
    if not path.is_file():
        return False
    tail = path.read_bytes()[-16:]
    return b"</svg>" in tail if path.suffix == ".svg" else b"IEND" in tail


def _files(plot: Plot, folder: Path) -> list[Path]:
    return [folder / f"{plot.name}.{kind}" for kind in ("svg", "png")]


def complete(plot: Plot, folder: Path) -> list[Path]:
    """Those of a plot's files that were drawn to the end."""
    return [path for path in _files(plot, folder) if _complete(path)]


def _run(plots: Sequence[Plot], folder: Path, program: str) -> None:
    try:
        done = subprocess.run([program, "-"], input="".join(map(_script, plots)), cwd=folder, capture_output=True,
                              encoding="utf-8", errors="replace", timeout=TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise GnuplotError(f"no charts were drawn: {program} is not installed (Debian: apt-get install gnuplot-nox)") from None
    except OSError as error:
        raise GnuplotError(f"no charts were drawn: {program} could not be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise GnuplotError(f"{program} drew {len(plots)} charts for more than {TIMEOUT_S} s and was stopped") from None
    missing = [plot.name for plot in plots if len(complete(plot, folder)) < 2]
    if done.returncode or missing:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip(" ^\n")]
        at = f" at chart {missing[0]}" if missing else ""
        raise GnuplotError(f"{program} failed{at} (exit {done.returncode}): {said[-1] if said else 'it gave no reason'}")


def draw(plots: Sequence[Plot], folder: Path, program: str = "gnuplot") -> list[Path]:
    """Draw each plot into `folder` as NAME.svg and NAME.png. Raises GnuplotError; what was drawn before that stays."""
    if not plots:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    written = [path for plot in plots for path in _files(plot, folder)]
    for old in written:
        old.unlink(missing_ok=True)  # a leftover must not pass for what this run drew
    jobs = min(len(os.sched_getaffinity(0)), 4, len(plots))
    with ThreadPoolExecutor(jobs) as threads:
        for done in [threads.submit(_run, plots[job::jobs], folder, program) for job in range(jobs)]:
            done.result()
    return written
