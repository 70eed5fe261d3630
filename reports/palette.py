"""The colours of every chart, and the looks that all charts share.

The hues are Okabe and Ito's, which readers with any of the common colour deficiencies can tell apart; none carries a meaning
alone, a shape, a dash or a word always says it too. A chart's file has these literal colours on white; the page replaces each
by the CSS variable of its name, so that one drawing serves the light and the dark page.
"""

from __future__ import annotations

INK = "#1f2328"
MUTED = "#6e7781"
GRID = "#d8dee4"
PALE = "#b6c2cf"
PAPER = "#ffffff"
BLUE = "#0072b2"
ORANGE = "#e69f00"
GREEN = "#009e73"
PURPLE = "#a0508c"
RED = "#d1242f"

VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", PALE: "pale", PAPER: "paper", BLUE: "blue", ORANGE: "orange",
             GREEN: "green", PURPLE: "purple", RED: "red"}

STYLE = f"""
set encoding utf8
set border 3 lc rgb '{MUTED}' lw 1
set tics nomirror out scale 0.6 textcolor rgb '{INK}'
set xtics offset 0,0.3
set grid lc rgb '{GRID}' lw 1 dt 1, lc rgb '{GRID}' lw 1 dt 1
set key noenhanced reverse Left textcolor rgb '{INK}' samplen 2.5 spacing 1.1 width 1
"""
