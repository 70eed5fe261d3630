"""What ends connections where the load has lulls: users who pause for longer than the server's idle timeout, now and then. In a busy
load none idles so long, and only the server's limit of requests ends one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from judge.modes.forms import FORMS, Load
from judge.modes.measure import Bench
from judge.progress import progress

MOST = 150  # requests of a user between two pauses
LULLS = 3


def with_lulls(bench: Bench, load: Load) -> dict[str, Any]:
    """Each form that keeps connections once. Between two lulls a connection reaches the limit, and the next one gets half way; a limit
    that MOST does not reach ends none here."""
    every = min(load.limit + max(load.limit // 2, 1), MOST)
    load = replace(load, requests=load.users * every * LULLS, duration_s=None, pause_every=every)
    rows = []
    for form in (one for one in FORMS if one.pooled):
        progress(f"with lulls: {form.name}")
        run = bench.run(form, load)
        rows.append({"form": form.key} | {key: run[key] for key in ("requests", "ok", "failed", "errors", "ended")})
    return {"pause_ms": load.pause_ms, "pause_every": every, "rows": rows}
