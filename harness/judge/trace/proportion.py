"""How far a share that was counted may be from the true one."""

from __future__ import annotations

import math

Z = 1.959964  # 95 % of a normal distribution lie within so many deviations


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval by Wilson's score: unlike the simple one it says something where nothing, or everything, was counted.
    (0, 1) where nothing was tried."""
    if of == 0:
        return 0.0, 1.0
    share, square = count / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return (0.0 if count == 0 else middle - reach), (1.0 if count == of else middle + reach)
