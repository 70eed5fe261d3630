"""The sweep's arithmetic, and the program `gap` against the mock server."""

from __future__ import annotations

import argparse
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from judge import durations
from judge.checkers import books_equal, sweep_share
from judge.errors import UsageError
from judge.project import PYTHON
from judge.scenario import read_scenario
from judge.sweep import plan, samples, steps
from judge.sweep.drive import run_plan
from judge.sweep.origins import KINDS, origin
from judge.sweep.samples import FAILED, NEW, SAME, Sample
from judge.trace import Trace
from judge.trace.proportion import wilson
from judge_kit import environment, judge
from load_kit import books, program, url_of
from mock_server import PATIENCE_S, PROJECT, Mock
from processes import descendants, name_of

from reports import gnuplot
from reports import sweep as sweep_report

PRINTED = """planned_ns,gap_ns,span_ns,kept,reused,phase,error
200000000,200010000,200300000,1,1,done,
200000000,203000000,203300000,1,0,done,
200000000,200020000,200400000,1,1,receive,EOF
200000000,0,0,0,0,connect,
"""


def sample(gap_ms: float, outcome: str, planned_ms: float | None = None) -> Sample:
    return Sample(gap_ms if planned_ms is None else planned_ms, gap_ms, gap_ms, outcome, "receive EOF" if outcome == FAILED else "")


def test_wilson_as_in_the_literature() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))  # Wilson 1927, as in every table of it
    assert wilson(10, 10) == (pytest.approx(0.7225, abs=1e-4), 1.0)
    assert wilson(5, 10) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))


def test_a_plan_asks_for_every_gap_equally_often_and_spreads_it() -> None:
    one = plan.Plan((1.0, 2.0, 3.0), pairs=4, rate=6)
    assert one.seconds == pytest.approx(2.003)
    found = one.nanoseconds()
    assert one.count == len(found) == 12
    for at in range(0, 12, 3):  # each round has each gap once
        assert sorted(found[at : at + 3]) == [1_000_000, 2_000_000, 3_000_000]
    assert found == one.nanoseconds() != plan.Plan((1.0, 2.0, 3.0), 4, 6, seed=2).nanoseconds()


def test_gaps_around_a_timeout() -> None:
    assert plan.around(10, 0, 2, 1, 0.5) == (8, 8.5, 9, 9.5, 10, 10.5, 11)
    assert plan.around(2, 4, 3, 2, 3) == (2, 5, 8)  # none is below a millisecond


def test_what_the_program_prints_is_read() -> None:
    found, lost = samples.parse(PRINTED.splitlines())
    assert lost == 1
    assert [one.outcome for one in found] == [SAME, NEW, FAILED]
    assert found[0].gap_ms == 200.01 and found[0].span_ms == 200.3 and found[2].how == "receive EOF"
    assert samples.punctual(found, 1) == [found[0], found[2]]  # the second was held up by 3 ms
    assert samples.punctual(found, 0.35) == [found[0]]  # the third read its first response 0.38 ms after asking


def test_samples_are_counted_at_the_gap_that_came_about() -> None:
    found = steps.count([sample(9.9, SAME, 9), sample(10.2, FAILED), sample(10.1, NEW), sample(11.6, NEW)], (9, 10, 11))
    assert [(one.gap_ms, one.same, one.new, one.failed) for one in found] == [(10, 1, 1, 1)]  # 11.6 lies beyond the last
    assert found[0].rate == pytest.approx(1 / 3) and found[0].how == {"receive EOF": 1}


def test_the_window_is_the_area_under_the_rate() -> None:
    def step(gap: float, failed: int) -> steps.Step:
        return steps.Step(gap, 100 - failed, 0, failed, {})

    found = steps.window_of([step(8, 0), step(9, 0), step(10, 50), step(11, 0), step(12, 0)])
    assert found.width_ms == pytest.approx(0.5) and (found.first_ms, found.last_ms) == (10, 10)
    assert found.low_ms < 0.45 and found.high_ms > 0.55
    assert steps.window_of([step(8, 0), step(9, 100), step(13, 100)]).width_ms == pytest.approx(0.5 * 5 - 0.5 + 2.5)
    nothing = steps.window_of([step(8, 0), step(9, 0)])
    assert (nothing.width_ms, nothing.first_ms) == (0, None)


def test_the_program_tells_same_new_and_failed_apart() -> None:
    with Mock() as mock:
        url = url_of(mock.listen({"name": "close-idle", "after_ms": 300}, trace="none"))
        found, lost = run_plan(program("gap"), url, plan.Plan((1.0, 900.0), 10, 200), 0)
        told = books(mock)
    assert lost == 0 and len(found) == 20
    assert {(one.outcome, one.planned_ms) for one in found} == {(SAME, 1.0), (NEW, 900.0)}
    assert all(one.gap_ms >= one.planned_ms and one.span_ms >= one.gap_ms for one in found)
    assert told["accepted"] == 30 and told["requests"] == 40  # the server's word on it


def test_the_pools_own_timeout_closes_before_the_servers() -> None:
    with Mock() as mock:
        url = url_of(mock.listen({"name": "close-idle", "after_ms": 60_000}, trace="none"))
        found, _ = run_plan(program("gap"), url, plan.Plan((1.0, 900.0), 5, 200), idle_timeout_ms=300)
    assert {(one.outcome, one.planned_ms) for one in found} == {(SAME, 1.0), (NEW, 900.0)}


def test_a_request_that_is_lost_is_a_failure() -> None:
    with Mock() as mock:
        behaviours = ({"name": "ok", "repeat": 1}, {"name": "reset-request", "at": "before"})
        url = url_of(mock.listen(*behaviours, on="request", cycle=True, trace="none"))
        found, lost = run_plan(program("gap"), url, plan.Plan((20.0,), 1, 10), 0)
    assert lost == 0
    assert [(one.outcome, one.how) for one in found] == [(FAILED, "receive ECONNRESET")]


@pytest.mark.parametrize("name", ["mock", "nginx", "mock-nginx", "mock-tomcat"])
def test_each_server_closes_when_its_kind_says(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    timeout_ms = 300 + kind.closes_over_ms  # beyond what a server that ignores it takes by chance
    with origin(PROJECT, kind, timeout_ms, tmp_path) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), PATIENCE_S) as client:
            asked = time.monotonic()
            client.sendall(f"GET {address.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            while client.recv(4096):
                pass
            idle_ms = 1000 * (time.monotonic() - asked)
    assert idle_ms >= timeout_ms - 1  # nginx counts in whole milliseconds


@pytest.mark.parametrize(
    ("args", "plan_text", "sentence"),
    [
        (["http://127.0.0.1:1/", "--rate", "0"], "1\n", 'gap: --rate takes a number above 0, at most 1000000: "0"'),
        (["http://127.0.0.1:1/", "--idle-timeout", "5"], "1\n", 'gap: --idle-timeout takes a duration such as 500ms, or 0: "5"'),
        ([], "1\n", 'gap: one URL is needed: ""'),
        (["ftp://x/"], "1\n", "gap: "),
        (["http://127.0.0.1:1/"], "1.5\n", 'gap: a line of the plan is an idle time in nanoseconds, at most an hour: "1.5"'),
        (["http://127.0.0.1:1/"], "", "gap: the plan on standard input is empty"),
    ],
)
def test_bad_input_is_told_in_a_sentence(args: list[str], plan_text: str, sentence: str) -> None:
    ran = subprocess.run([program("gap"), *args], input=plan_text, capture_output=True, text=True, timeout=20, check=False)
    assert ran.returncode == 2 and ran.stderr.startswith(sentence) and not ran.stdout


def swept(*rates: int) -> dict:
    """A sweep of one pool that watches, around 200 ms."""
    found = [steps.Step(200 + n - len(rates) // 2, 0, 100 - failed, failed, {"receive EOF": failed} if failed else {})
             for n, failed in enumerate(rates)]
    pool = {"name": "p", "watch": True, "idle_timeout_ms": None, "lost": 0, "late": 0, "steps": [one.as_dict() for one in found],
            "window": steps.window_of(found).as_dict()}
    return {"schema": "sweep/1", "server": "mock", "title": "a server", "option": "--after-ms", "timeout_ms": 200, "closes_over_ms": 0,
            "pairs": 100, "rate": 1, "seed": 1, "pools": [pool]}


def test_the_table_tells_before_around_and_after() -> None:
    rows = sweep_report.table(swept(0, 0, 50, 0, 0))
    assert [row[1:5] for row in rows[1:]] == [["shorter", "0", "100", "0"], ["around it", "0", "250", "50"], ["longer", "0", "100", "0"]]
    assert "race window, p: 500 µs" in sweep_report.text(swept(0, 0, 50, 0, 0))


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    found = swept(0, 0, 50, 0, 0)
    found["pools"].append(found["pools"][0] | {"name": "blind", "watch": False, "idle_timeout_ms": 199})
    plot = sweep_report.plot(found)
    assert plot and {path.suffix for path in gnuplot.draw([plot], tmp_path)} == {".svg", ".png"}
    svg = (tmp_path / "sweep__mock.svg").read_text()
    assert "p: 50 of 500 failed" in svg and "blind: 50 of 500 failed" in svg


@pytest.mark.parametrize(
    ("text", "ms"), [("75s", 75_000), ("1500ms", 1500), ("2m", 120_000), ("1h", 3_600_000), ("20us", 0.02), ("1.5s", 1500)]
)
def test_durations(text: str, ms: float) -> None:
    assert durations.duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "75", "s", "-1s", "0s", "1e3s", "75 s", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no duration"):
        durations.duration_ms(text)


def test_durations_are_told_shortly() -> None:
    assert list(map(durations.plain, (75_000, 1500, 200, 1.5, 0.02, 0))) == ["75 s", "1.5 s", "200 ms", "1.5 ms", "20 µs", "0 ms"]


def trace_of(*outcomes: tuple[float, float, str]) -> Trace:
    """Gap, span and outcome of each pair."""
    samples = [{"planned_ms": gap, "gap_ms": gap, "span_ms": span, "outcome": outcome, "how": "receive EOF" * (outcome == FAILED)}
               for gap, span, outcome in outcomes]
    return Trace([{"t": 1, "who": "judge", "ev": "sweep_result", "samples": samples, "lost": 0}])


@pytest.mark.parametrize(
    ("params", "ok"),
    [
        ({"outcome": "same", "least": 1, "before_ms": 280}, True),
        ({"outcome": "same", "least": 1, "before_ms": 310}, False),  # one of them failed
        ({"outcome": "new", "least": 1, "behind_ms": 300, "spare_ms": 100}, True),
        ({"outcome": "new", "least": 1, "behind_ms": 290, "spare_ms": 9}, False),
        ({"outcome": "failed", "most": 0}, False),
        ({"outcome": "failed", "least": 0.25, "most": 0.25}, True),
        ({"outcome": "failed", "behind_ms": 900}, False),  # not one pair is there
    ],
)
def test_the_share_of_an_outcome_within_a_stretch(params: dict, ok: bool) -> None:
    found = sweep_share.check(trace_of((100, 101, SAME), (279, 290, SAME), (299.5, 300, FAILED), (450, 451, NEW)), **params)
    assert found.ok is ok, found


def test_a_missed_upper_bound_names_its_margin_and_a_lower_one_does_not() -> None:
    late = sweep_share.check(trace_of((450, 451, FAILED)), outcome="new", least=1, behind_ms=300, spare_ms=100)
    assert not late.ok and late.margin_ms == 100 and "receive EOF 1" in late.seen
    early = sweep_share.check(trace_of((100, 101, FAILED)), outcome="same", least=1, before_ms=200)
    assert not early.ok and early.margin_ms is None
    held_up = sweep_share.check(trace_of((100, 101, FAILED)), outcome="same", least=1, before_ms=200, room_ms=100)
    assert not held_up.ok and held_up.margin_ms == 100


def test_the_books_of_a_sweep() -> None:
    events = trace_of((100, 101, SAME), (450, 451, NEW), (300, 301, FAILED)).events
    for accepted, ok in ((3, False), (4, True), (5, True), (6, False)):
        books_of = {"t": 2, "who": "server", "ev": "books", "listeners": {"origin": {"accepted": accepted}}}
        assert books_equal.check(Trace([*events, books_of])).ok is ok


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        ("{ gaps_ms = [], pairs = 1 }", '"gaps_ms" must be a list of milliseconds'),
        ("{ gaps_ms = [1, 0], pairs = 1 }", '"gaps_ms" must be a list of milliseconds'),
        ("{ gaps_ms = [1] }", 'the key "pairs" is missing'),
        ("{ gaps_ms = [1], pairs = 1, wach = false }", 'unknown key "wach"; did you mean "watch"?'),
        ("{ gaps_ms = [1], pairs = 1 }\nload = { users = 1, requests = 1 }", "either [[step]]s or [load] or [sweep]"),
    ],
)
def test_a_bad_scenario_is_told_in_a_sentence(tmp_path: Path, sweep: str, sentence: str) -> None:
    path = tmp_path / "sweep" / "bad.toml"
    path.parent.mkdir()
    check = 'check = [{ clause = "sweep/race", checker = "sweep_share", outcome = "failed" }]'
    path.write_text(f'summary = "s"\nexpect = "e"\nsweep = {sweep}\n{check}\n')
    with pytest.raises(UsageError, match=re.escape(sentence)):
        read_scenario(path, PROJECT)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_leaves_nothing_behind(how: signal.Signals, tmp_path: Path) -> None:
    argv = [PYTHON, "-m", "judge", "sweep", "--server", "nginx", "--pairs", "3000", "--rate", "50", "--out", str(tmp_path / "out")]
    running = subprocess.Popen(argv, cwd=PROJECT.root, env=environment(TMPDIR=str(tmp_path)), stderr=subprocess.PIPE, text=True)

    def names() -> set[str]:
        return {name for pid in started if (name := name_of(pid))}

    deadline, started = time.monotonic() + PATIENCE_S, []
    try:
        while not {"nginx", "gap"} <= names():  # it has begun
            assert time.monotonic() < deadline and running.poll() is None, names()
            started = descendants(running.pid)
        running.send_signal(how)
        said = running.communicate(timeout=PATIENCE_S)[1]
    finally:
        running.terminate()
    assert running.returncode == 130, said
    while names():  # one that was started just then is ended by the kernel, a moment behind the judge
        assert time.monotonic() < deadline, names()
    assert not list(tmp_path.iterdir())


def test_too_much_is_refused() -> None:
    ran = judge("sweep", "--pairs", "100000")
    assert ran.code == 2 and ran.err == "poolspec: --pairs 100000 at each of 33 gaps: more than 1,000,000 in all\n"
    ran = judge("sweep", "--server-idle", "2ms", "--margin", "3ms")
    assert ran.code == 2 and "a margin of 3 ms leaves a pool nothing of the server's 2 ms" in ran.err
