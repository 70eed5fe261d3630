"""The trace's joins: commands with replies, tokens with requests, checkouts with connections."""

from __future__ import annotations

import pytest
from judge.judging import excerpt, judge_trace
from judge.scenario import read_scenario
from judge.trace import idle_spans
from judge.trace.figures import dig
from judge_kit import PROJECT, T1, T2, exchange, trace

TWO = exchange("a", T1, conn=1, at=0) + "\n" + exchange("b", T2, conn=1, at=50, reused=1)


def test_events_are_in_order_of_time():
    assert [e.ev for e in trace("2 judge b\n1 judge a").events] == ["a", "b"]


def test_connection_of_a_label():
    found = trace(TWO)
    assert found.conn_of("a") == found.conn_of("b.send") == found.conn_of(1) == 1
    assert found.conn_of("never") is found.conn_of(None) is None


def test_connection_of_a_bare_connect_is_by_port():
    rows = ["0 judge command id=1 op=connect label=x sock=s host=h port=80", "1 subject reply id=1 label=x ok=true local_port=1007"]
    assert trace("\n".join([*rows, "0.5 server accepted conn=7 peer=1007"])).conn_of("x") == 7
    assert trace("\n".join([*rows, "0.5 server accepted conn=7 peer=1008"])).conn_of("x") is None


def test_connection_of_a_connect_without_port_is_by_its_request():
    """A unix socket has no port."""
    rows = [
        "0 judge command id=1 op=connect label=x sock=s unix=/p", "1 subject reply id=1 label=x ok=true",
        f"2 judge command id=2 op=send sock=s token={T1}", "3 subject reply id=2 ok=true", f"2 server request conn=4 req=1 target=/t/{T1}",
    ]
    assert trace("\n".join(rows)).conn_of("x") == 4


def test_checkouts():
    first, second = trace(TWO).checkouts
    assert (first.conn, second.conn) == (1, 1)
    assert first.key == "h:80"
    assert first.checkin.label == "a.setkeepalive"


def test_moments():
    found = trace(TWO + "\n400 judge mark label=m\n500 server fin_sent conn=1")
    assert (found.moment("a").first, found.moment("a").last) == (0, 3_000_000)
    assert found.moment("m").done == 400_000_000
    assert found.moment("fin_sent", 1).first == 500_000_000
    assert found.moment("fin_sent", 2) is found.moment("never") is None


def test_idle_spans_end_at_the_next_checkout():
    found = [(span.start / 1e6, span.end / 1e6) for span in idle_spans(trace(TWO + "\n400 judge end"))]
    assert found == [(3.5, 50.0), (53.5, 400.0)]


def test_a_connection_that_is_handed_over_was_never_idle():
    asked_before = TWO.replace("50 judge command", "1 judge command").replace("50.5 subject reply", "3.6 subject reply")
    found = [(span.start / 1e6, span.end / 1e6) for span in idle_spans(trace(asked_before + "\n400 judge end"))]
    assert found == [(53.5, 400.0)]


def test_idle_time_of_a_queued_checkin_does_not_count():
    assert idle_spans(trace(TWO.replace("ok=true value=1", "ok=false err=closed"))) == []


def test_open_at():
    found = trace(TWO + "\n300 server fin_seen conn=1")
    assert found.open_at(299_000_000) == [1]
    assert found.open_at(301_000_000) == []


def test_blocked_time():
    found = trace("100 judge command id=1 op=block ms=50\n150 subject reply id=1 ok=true")
    assert found.blocked_ns(0, 1_000_000_000) == 50_000_000
    assert found.blocked_ns(120_000_000, 130_000_000) == 10_000_000
    assert found.blocked_ns(200_000_000, 300_000_000) == 0


@pytest.mark.parametrize(("path", "value"), [("a.b", 1), ("a.c", 0), ("list.1", 5), ("list.9", None), ("none", None), ("text", "t")])
def test_dig(path, value):
    assert dig({"a": {"b": 1}, "list": [4, 5], "text": "t"}, path) == value


def test_excerpt_is_about_the_moment_and_its_connection():
    text = "\n".join(f"{t} server request conn={t % 2} req={t}" for t in range(100))
    found = excerpt(trace(text), 50_000_000, 0)
    assert {e["conn"] for e in found} == {0}
    assert min(e["t"] for e in found) < 50_000_000 < max(e["t"] for e in found)


@pytest.mark.parametrize(("line", "verdict", "clauses"), [
    ('0 judge skipped why="no knob"', "skipped", 2),
    ('0 judge harness_failed why="no server"', "error", 2),
    ('0 judge subject_failed why="it crashed"', "fail", 3),
])
def test_runs_that_went_wrong(line, verdict, clauses):
    """What went wrong is in the trace, so that it can be judged again."""
    scenario = read_scenario(PROJECT.scenarios / "setkeepalive" / "returned-is-reused.toml", PROJECT)
    found = judge_trace(PROJECT, scenario, trace(line.replace(" why=\"", " why=\"").replace("no ", "no_").replace("it ", "it_")))
    assert {one["verdict"] for one in found} == {verdict}
    assert len(found) == clauses
    assert all("_" in one["seen"] for one in found)


def test_a_checker_that_raises_is_an_error():
    scenario = read_scenario(PROJECT.scenarios / "setkeepalive" / "returned-is-reused.toml", PROJECT)
    found = judge_trace(PROJECT, scenario, trace('0 subject reply id=1 ok=true\n0 judge command id=1 op=connect sock=5 host=h'
                                                 '\n1 judge exchange label=a'))
    assert "error" in {one["verdict"] for one in found}
    assert any("raised: " in one["seen"] for one in found)
