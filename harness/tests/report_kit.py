"""What the tests of the reports are given: the files of a run, made of a few lines each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MS = 1_000_000
RUN = {"scenario": "idle/fin", "subject": "reference", "repeat": 1, "verdict": "fail", "elapsed_s": 0.1}
HOSTILE = "<script>alert('x')</script> & `id` $(id) | ]]> *b* \x1b[31m\n# h"

HGRM = """       Value     Percentile TotalCount 1/(1-Percentile)

      50.000 0.000000000000          1           1.00
      60.000 0.500000000000        500           2.00
      90.000 0.900000000000        900          10.00
     400.000 0.990000000000        990         100.00
    9000.000 1.000000000000       1000
#[Mean    =       70.000, StdDeviation   =        9.000]
#[Max     =     9000.000, Total count    =         1000]
"""
EMPTY_HGRM = """       Value     Percentile TotalCount 1/(1-Percentile)

#[Max     =        0.000, Total count    =            0]
"""
SERIES = """second,requests,ok,failed,reused,opened,p50_us,p99_us
0,100,100,0,90,10,60,400
1,100,98,2,100,0,60,400
2,0,0,0,0,0,,
"""


def server(t: float, ev: str, conn: int, **more: Any) -> dict[str, Any]:
    """A line of the server's, `t` in ms."""
    return {"t": int(t * MS), "who": "server", "ev": ev, "listener": "origin", "conn": conn, **more}


def request(t: float, conn: int, req: int = 1, took: float = 1) -> list[dict[str, Any]]:
    return [server(t, "request", conn, req=req, target="/"), server(t + took, "response", conn, req=req, status=200)]


def books(conn: int, accepted: float, end: float, requests: int = 1, **more: Any) -> dict[str, Any]:
    return server(end, "conn_books", conn, peer=4000 + conn, requests=requests, accepted_t=int(accepted * MS), end="fin_seen",
                  end_t=int(end * MS), **more)


def result(verdict: str = "pass", **more: Any) -> dict[str, Any]:
    return {"scenario": "idle/fin", "subject": "reference", "repeat": 1, "clause": "idle/fin-closes", "level": "required",
            "checker": "ended", "verdict": verdict, "expected": "the client closes", "seen": "it does not", "excerpt": [],
            "violation_t": None, "violation_conn": None, "trace": "traces/idle_fin__reference__1.jsonl",
            "reproduce": "./run.sh scenario idle/fin --seed 1", **more}


def load(behaviour: str = "ok", **figures: Any) -> dict[str, Any]:
    full = {"requests": 1000, "failed": 0, "reuse_rate": 0.99, "connections_per_1000": 10.0, "first_use_p50_us": 200,
            "first_use_p99_us": 900, "reuse_p50_us": 61, "reuse_p99_us": 1234}
    return {"scenario": f"load/{behaviour}", "subject": "reference", "behaviour": behaviour, "dir": f"load/{behaviour}",
            "figures": full | figures}


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def put_trace(folder: Path, events: list[dict[str, Any]]) -> None:
    put(folder / "traces" / "idle_fin__reference__1.jsonl", "".join(json.dumps(event) + "\n" for event in events))


def put_load(folder: Path) -> None:
    for histogram in ("all", "first_use", "reuse", "connect"):
        put(folder / "load" / "ok" / f"{histogram}.hgrm", HGRM)
    put(folder / "load" / "ok" / "series.csv", SERIES)
    error = {"phase": "receive", "error": "ECONNRESET", "first_use": False, "count": 2}
    run = {"schema": "load/1", "errors": [error], "requests_per_connection": {"1": 1, "50": 3, "90": 1}}
    put(folder / "load" / "ok" / "run.json", json.dumps(run))
