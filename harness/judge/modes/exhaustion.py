"""What becomes of each form where the client has few local ports: a connection that the client closes first keeps its port in
TIME_WAIT for a minute, and who has none left gets EADDRNOTAVAIL from connect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from judge.modes.forms import FORMS, Load
from judge.modes.measure import Bench
from judge.network.namespace import few_ports
from judge.progress import progress

PORTS = 1024
TIMES = 4  # so many requests for each port


def exhaust(bench: Bench, load: Load) -> dict[str, Any]:
    """Each form once, in a namespace with PORTS local ports."""
    rows, load = [], replace(load, users=min(load.users, PORTS // 4), requests=PORTS * TIMES, duration_s=None)
    for form in FORMS:
        progress(f"{PORTS:,} local ports: {form.name}")
        run = bench.run(form, load, few_ports(PORTS))
        rows.append({"form": form.key} | {key: run[key] for key in ("requests", "ok", "failed", "errors", "left")})
    return {"ports": PORTS, "rows": rows}
