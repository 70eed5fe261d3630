"""The load generator's figures, against the server's own books and against arithmetic; and the files that it writes."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from load_kit import books, program, run, server_that_says, url_of
from mock_server import Mock

ALWAYS = {
    "schema", "url", "mode", "users", "workers", "rate", "think_ms", "pause_ms", "pause_every", "pool",
    "started_ns", "ended_ns", "elapsed_s", "requests",
    "ok", "failed", "wrong_caller", "http_errors", "connections_opened", "reused_requests", "reuse_rate", "connections_per_1000",
    "throughput", "idle_peak_per_worker", "closed", "errors", "requests_per_connection", "latency_us", "cpu_us_per_request",
    "user_us", "sys_us", "loop_lag_max_ms", "workers_detail", "interrupted", "lost_workers",
}  # fmt: skip


# --- both sides' books ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [
        {"name": "ok"},
        {"name": "close-after", "requests": 7, "announced": True},
        {"name": "stray-glued", "what": "200"},
        {"name": "http10", "keep_alive": False},
        {"name": "close-announced-open"},
    ],
    ids=lambda behaviour: behaviour["name"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_the_books_of_both_sides_are_equal(mock: Mock, behaviour: dict[str, Any], workers: int) -> None:
    figures = run(url_of(mock.listen(behaviour)), "-n", "301", "-c", "6", "-t", str(workers))
    seen = books(mock)
    assert figures["requests"] == figures["ok"] == seen["requests"] == seen["responses"] == 301
    assert figures["connections_opened"] == seen["accepted"]
    assert figures["reused_requests"] == 301 - seen["accepted"]
    assert figures["reuse_rate"] == pytest.approx(1 - seen["accepted"] / 301, abs=1e-6)
    assert figures["token_checked"] and figures["wrong_caller"] == 0
    assert figures["surplus"] == (301 if behaviour["name"] == "stray-glued" else 0)
    served = {int(uses): count for uses, count in figures["requests_per_connection"].items()}
    assert sum(served.values()) == seen["accepted"] and sum(uses * count for uses, count in served.items()) == 301
    assert sum(figures["closed"].values()) == seen["accepted"], "every connection has ended for one reason"
    assert sum(worker["requests"] for worker in figures["workers_detail"]) == 301


@pytest.mark.parametrize(
    ("behaviour", "phase", "error"),
    [
        ({"name": "fin-request"}, "receive", "EOF"),
        ({"name": "reset-request", "at": "before"}, "receive", "ECONNRESET"),
        ({"name": "reset-request", "at": "body"}, "response", "ECONNRESET"),
        ({"name": "truncated"}, "response", "EOF"),
    ],
    ids=str,
)
def test_a_fault_has_its_phase_and_its_name(mock: Mock, behaviour: dict[str, Any], phase: str, error: str) -> None:
    figures = run(url_of(mock.listen(behaviour)), "-n", "40", "-c", "4")
    assert figures["errors"] == [{"phase": phase, "error": error, "first_use": True, "count": 40}]
    assert figures["connections_opened"] == books(mock)["accepted"] == books(mock)["requests"] == 40
    assert figures["closed"]["discarded"] == 40
    assert figures["latency_us"]["all"]["count"] == 0 and figures["latency_us"]["all"]["p50"] is None


def test_every_fifth_request_closes_its_connection(mock: Mock) -> None:
    figures = run(url_of(mock.listen({"name": "close-after", "requests": 5, "announced": True})), "-n", "50", "-c", "1")
    assert figures["requests_per_connection"] == {"5": 10}
    assert (figures["reuse_rate"], figures["connections_per_1000"]) == (0.8, 200)
    counts = {name: latency["count"] for name, latency in figures["latency_us"].items()}
    assert counts == {"all": 50, "first_use": 10, "reuse": 40, "connect": 10, "response": 50}


def test_a_silent_server_costs_the_timeout(mock: Mock) -> None:
    figures = run(url_of(mock.listen("stall")), "-n", "2", "-c", "2", "--timeout", "50ms")
    assert figures["errors"] == [{"phase": "receive", "error": "TIMEOUT", "first_use": True, "count": 2}]
    assert figures["elapsed_s"] >= 0.05


def test_an_idle_timeout_shorter_than_the_think_time_expires_every_connection(mock: Mock) -> None:
    figures = run(url_of(mock.listen("ok")), "-n", "6", "-c", "1", "--think", "60ms", "--idle-timeout", "10ms")
    assert figures["connections_opened"] == books(mock)["accepted"] == 6
    assert figures["closed"]["expired"] == 5 and figures["pool"]["idle_timeout_ms"] == 10


def test_a_pause_behind_every_tenth_request_lets_the_connection_expire(mock: Mock) -> None:
    figures = run(url_of(mock.listen("ok")), "-n", "40", "-c", "1", "--pause", "200ms/10", "--idle-timeout", "20ms")
    assert figures["connections_opened"] == books(mock)["accepted"] == 4
    assert figures["closed"]["expired"] == 3, "behind the 40th nothing is asked any more"
    assert (figures["pause_ms"], figures["pause_every"]) == (200, 10) and figures["requests_per_connection"] == {"10": 4}


def test_idle_timeout_zero_keeps_connections(mock: Mock) -> None:
    figures = run(url_of(mock.listen("ok")), "-n", "5", "-c", "1", "--think", "20ms", "--idle-timeout", "0")
    assert figures["connections_opened"] == 1 and figures["pool"]["idle_timeout_ms"] == 0


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "unix:"])
def test_every_kind_of_address(mock: Mock, tmp_path: Path, address: str) -> None:
    where = mock.listen("ok", address=f"{address}{tmp_path}/s" if address == "unix:" else address)
    figures = run(url_of(where), "-n", "20", "-c", "2")
    assert figures["ok"] == books(mock)["responses"] == 20 and figures["connections_opened"] == books(mock)["accepted"] == 2


def test_each_worker_has_a_pool_of_its_own(mock: Mock) -> None:
    """Four users each, all thinking at once: of the eight connections two stay idle in each worker."""
    figures = run(url_of(mock.listen("ok")), "-n", "40", "-c", "8", "-t", "2", "--think", "30ms", "--pool-size", "2")
    assert figures["idle_peak_per_worker"] == [2, 2]
    assert figures["closed"]["evicted"] == figures["connections_opened"] - 4 > 0
    assert books(mock)["peak_open"] <= 8


def test_without_a_pool_every_request_has_its_own_connection(mock: Mock) -> None:
    figures = run(url_of(mock.listen("ok")), "-n", "30", "-c", "3", "--no-pool")
    assert figures["connections_opened"] == books(mock)["accepted"] == 30 and figures["reuse_rate"] == 0
    assert figures["requests_per_connection"] == {"1": 30} and figures["pool"]["enabled"] is False
    assert books(mock)["fin_sent"] == 30, "the server was told: Connection: close"


def test_who_closes_first_is_told_apart(mock: Mock) -> None:
    figures = run(url_of(mock.listen("ok")), "-n", "30", "-c", "3", "--close-first")
    assert figures["connections_opened"] == books(mock)["accepted"] == 30 and figures["reuse_rate"] == 0
    books(mock)  # one turn of the server's loop may answer before it looks at its sockets
    seen = books(mock)
    assert (seen["fin_seen"], seen["stray"]) == (30, 0)


# --- constant rate ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_rate_is_kept(mock: Mock, workers: int) -> None:
    figures = run(url_of(mock.listen("ok")), "-n", "60", "-c", "10", "-R", "200", "-t", str(workers))
    assert (figures["mode"], figures["rate"], figures["ok"]) == ("rate", 200, 60)
    assert figures["elapsed_s"] >= 59 / 200
    assert figures["arrivals_unserved"] == 0


def test_latency_at_a_rate_counts_from_when_a_request_was_due(mock: Mock) -> None:
    """One user; the first response is held for 400 ms, while 20 more requests become due each 10 ms. What they waited is in their
    latency, and not in their response time."""
    url = url_of(mock.listen({"name": "ok", "gate": "g"}, "ok", on="request"))
    hold = threading.Thread(target=lambda: (mock.await_event("gate"), time.sleep(0.4), mock.call("release", gate="g")))
    hold.start()
    figures = run(url, "-n", "21", "-c", "1", "-R", "100")
    hold.join()
    latency, response = figures["latency_us"]["all"], figures["latency_us"]["response"]
    assert latency["max"] >= 400_000
    assert latency["p50"] >= 250_000, "the eleventh of them was due 300 ms before the first ended"
    assert latency["min"] >= 150_000
    assert response["p50"] < latency["p50"] / 2


def test_arrivals_that_find_no_user_to_the_end_are_counted(mock: Mock) -> None:
    figures = run(url_of(mock.listen("stall")), "-d", "300ms", "-c", "1", "-R", "100", "--timeout", "500ms")
    assert (figures["requests"], figures["failed"], figures["arrivals_unserved"]) == (1, 1, 29)


# --- who answers --------------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_echo_is_not_checked() -> None:
    with server_that_says(lambda _, __: "hello") as url:
        figures = run(url, "-n", "20", "-c", "2")
    assert (figures["ok"], figures["token_checked"], figures["wrong_caller"]) == (20, False, 0)


def test_a_response_for_somebody_else_is_seen() -> None:
    """Of twenty answers four name no target at all, and four that of another request."""

    def body(number: int, target: str) -> str:
        return "hello" if number % 5 == 4 else f"c1 r{number} {target if number % 4 else '/t/0123456789abcdef'}\n"

    with server_that_says(body) as url:
        figures = run(url, "-n", "20", "-c", "2")
    assert (figures["ok"], figures["token_checked"], figures["wrong_caller"]) == (20, True, 4 + 4)


def test_error_statuses_are_counted_and_are_answers() -> None:
    with server_that_says(lambda _, __: "no", status=503) as url:
        figures = run(url, "-n", "10", "-c", "1")
    assert (figures["ok"], figures["failed"], figures["http_errors"], figures["wrong_caller"]) == (10, 0, 10, 0)


def test_targets_carry_tokens_that_are_never_the_same() -> None:
    targets: list[str] = []
    with server_that_says(lambda _, target: targets.append(target) or "") as url:
        run(url + "a?q=1", "-n", "60", "-c", "4", "-t", "2")
    assert len(set(targets)) == 60 and all(re.fullmatch(r"/a/t/[0-9a-f]{16}\?q=1", target) for target in targets)


def test_fixed_sends_the_target_as_it_is() -> None:
    targets: list[str] = []
    with server_that_says(lambda _, target: targets.append(target) or "") as url:
        figures = run(url + "a?q=1", "-n", "5", "-c", "1", "--fixed")
    assert targets == ["/a?q=1"] * 5 and figures["token_checked"] is False


# --- what it writes -----------------------------------------------------------------------------------------------------


def test_the_json_has_every_key(mock: Mock) -> None:
    figures = run(url_of(mock.listen("ok")), "-n", "10", "-c", "2")
    assert set(figures) >= ALWAYS
    assert figures["schema"] == "load/1" and figures["mode"] == "closed" and figures["rate"] is None
    assert figures["pool"] == {"size": 30, "idle_timeout_ms": 60000, "enabled": True}
    assert figures["ended_ns"] - figures["started_ns"] == pytest.approx(figures["elapsed_s"] * 1e9, abs=1e4)
    assert figures["cpu_us_per_request"] == pytest.approx((figures["user_us"] + figures["sys_us"]) / 10, abs=1e-3)
    for latency in figures["latency_us"].values():
        order = [latency[key] for key in ("min", "p50", "p90", "p99", "p99_9", "p99_99", "p99_999", "max")]
        assert order == sorted(order) and latency["min"] <= latency["mean"] <= latency["max"]


def test_the_folder_holds_histograms_and_a_series(mock: Mock, tmp_path: Path) -> None:
    url = url_of(mock.listen({"name": "close-after", "requests": 10}))
    args = [program(), url, "-d", "1200ms", "-c", "2", "--out", tmp_path / "o"]
    ran = subprocess.run(args, capture_output=True, text=True, check=True)
    figures = json.loads((tmp_path / "o" / "run.json").read_text())
    assert f"{figures['requests']}" in ran.stdout and "reuse" in ran.stdout, "a summary for people"
    for name in ("all", "first_use", "reuse", "connect"):
        text = (tmp_path / "o" / f"{name}.hgrm").read_text()
        rows = [line.split() for line in text.splitlines()[2:] if not line.startswith("#")]
        assert float(rows[-1][1]) == 1 and int(rows[-1][2]) == figures["latency_us"][name]["count"]
        assert [row[1] for row in rows] == sorted(row[1] for row in rows)
        assert "SubBuckets     =         2048" in text
    with (tmp_path / "o" / "series.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["second"] for row in rows] == ["0", "1"]
    columns = {"requests": "requests", "ok": "ok", "failed": "failed", "reused": "reused_requests"}
    for column, figure in {**columns, "opened": "connections_opened"}.items():
        assert sum(int(row[column]) for row in rows) == figures[figure]
    assert all(0 < int(row["p50_us"]) <= int(row["p99_us"]) for row in rows)


def test_the_trace_joins_with_the_servers(mock: Mock, tmp_path: Path) -> None:
    url = url_of(mock.listen("ok", trace="full"))
    run(url, "-n", "1200", "-c", "4", "-t", "2", "--trace", str(tmp_path / "t"))
    lines = [json.loads(line) for line in (tmp_path / "t").read_text().splitlines()]
    assert len(lines) == 1000 == len({line["token"] for line in lines})
    mock.quit()
    peers = {event["conn"]: event["peer"] for event in mock.trace if event["ev"] == "accepted"}
    conns = {event["target"].removeprefix("/t/"): event["conn"] for event in mock.trace if event["ev"] == "request"}
    for line in lines:
        assert (line["who"], line["ev"], line["ok"], line["error"]) == ("subject", "request_done", True, None)
        assert line["conn"] == conns[line["token"]] and line["local_port"] == peers[line["conn"]]
    assert Counter(line["worker"] for line in lines) == {0: 500, 1: 500}
