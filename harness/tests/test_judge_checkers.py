"""Every checker on tiny literal traces, with both verdicts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from judge import checkers
from judge_kit import T1, T2, exchange, trace

A = exchange("a", T1, conn=1, at=0)
B_SAME = exchange("b", T2, conn=1, at=50, reused=1)
B_OTHER = exchange("b", T2, conn=2, at=50)
END = "900 judge end"
FIN_AT_300 = "300 server fin_seen conn=1"
RST_AT_300 = "300 server rst_seen conn=1"
SCALE_2 = "-1 judge begin timeout_scale=2"
SIZE_1 = "-1 judge begin pool={\"max_idle\":1}"
SHORT = "-1 judge begin pool={\"idle_timeout_ms\":100}"
MARK = "400 judge mark label=m"
RUN = (
    '1000 judge load_result run={"workers":1,"requests":10,"ok":9,"failed":1,"wrong_caller":0,"connections_opened":2,'
    '"reuse_rate":0.8,"pool":{"size":2,"idle_timeout_ms":100,"enabled":true},"idle_peak_per_worker":[2],"closed":{"stray":1},"errors":[]}'
)
BOOKS = '1001 server books listeners={"origin":{"accepted":2,"requests":10,"responses":9,"peak_open":2}}'
BOOK = (
    "1002 server conn_books conn=1 peer=1001 requests=5 responses=5 fault=fin fault_t=10000000 end=fin_sent end_t=20000000 "
    "last_request_t=1"
)
FAILED_SEND = "5 judge command id=7 op=send label=s sock=x\n6 subject reply id=7 label=s ok=false err=closed"
CONNECT_LATE = (
    "550 judge command id=60 op=connect label=c sock=c host=h port=80\n"
    "551 subject reply id=60 label=c ok=true reused=1 local_port=1001"
)
ELSEWHERE = f"5 subject request_done token={T1} ok=true conn=2\n4 server request conn=1 req=1 target=/t/{T1}"
FAILED_EXCHANGE = A.replace(f"exchange label=a token={T1} ok=true", "exchange label=a ok=false err=closed phase=send")

WAITS = "300 kernel states label=s conn=1 client=TIME_WAIT server=CLOSED"
BOUND = "300 kernel bound label=x err=EADDRINUSE\n301 kernel bound label=y err=null"
CUT_AT_10 = "10 judge net label=cut happens=cut"
PROBE_AT_20 = "20 wire probe side=client port=1001 flags=A bytes=0"
RESET_AT_30 = "30 wire reset side=server port=1001 flags=R bytes=0"
MADE = "-2 judge network did=made kind=pair tcp_keepalive_time=7200"

SWEPT = """5 judge sweep_result lost=0 samples=[{"gap_ms":100,"span_ms":101,"outcome":"same","how":""},\
{"gap_ms":300,"span_ms":301,"outcome":"failed","how":"EOF"},{"gap_ms":450,"span_ms":451,"outcome":"new","how":""}]"""
CASES = [  # checker, parameters, ok, lines
    ("accepted", {"count": 1}, True, [A, B_SAME]),
    ("accepted", {"count": 1}, False, [A, B_OTHER]),
    ("accepted", {"min": 2}, False, [A, B_SAME]),
    ("accepted", {"max": 1, "listener": "other"}, True, [A, B_OTHER]),
    ("accepted", {"max": 1, "until": "b"}, True, [A, B_OTHER]),
    ("accepted", {"max": 1, "until": "never"}, False, [A]),
    ("wire_saw", {"ev": "probe"}, True, [PROBE_AT_20, END]),
    ("wire_saw", {"ev": "probe"}, False, [RESET_AT_30, END]),
    ("wire_saw", {"ev": "probe", "side": "server"}, False, [PROBE_AT_20, END]),
    ("wire_saw", {"ev": "probe", "min": 0, "max": 0}, False, [PROBE_AT_20, END]),
    ("wire_saw", {"ev": "probe", "min": 0, "max": 0, "before": "m"}, True, ["401 wire probe side=client flags=A bytes=0", MARK, END]),
    ("wire_saw", {"ev": "probe", "after": "never"}, False, [PROBE_AT_20, END]),
    ("wire_saw", {"ev": "reset", "after": "cut", "min_ms": 19, "max_ms": 21}, True, [CUT_AT_10, RESET_AT_30, END]),
    ("wire_saw", {"ev": "reset", "after": "cut", "min_ms": 25}, False, [CUT_AT_10, RESET_AT_30, END]),
    ("wire_saw", {"ev": "reset", "after": "a", "min_ms": 29.5}, True, [A, RESET_AT_30, END]),
    ("wire_saw", {"ev": "reset", "after": "a", "min_ms": 31.5}, False, [A, RESET_AT_30, END]),
    ("wire_saw", {"ev": "reset", "after": "cut", "max_ms": 15}, False, [CUT_AT_10, RESET_AT_30, END]),
    ("wire_saw", {"ev": "reset", "after": "cut", "max_ms": 15}, True, [CUT_AT_10, RESET_AT_30, END, SCALE_2]),
    ("wire_saw", {"ev": "probe", "flags": "A", "bytes": 0}, True, [PROBE_AT_20, END]),
    ("wire_saw", {"ev": "probe", "flags": "PA"}, False, [PROBE_AT_20, END]),
    ("network_defaults", {"expect": {"tcp_keepalive_time": 7200}}, True, [MADE, END]),
    ("network_defaults", {"expect": {"tcp_keepalive_time": 7201}}, False, [MADE, END]),
    ("network_defaults", {"expect": {"tcp_keepalive_time": 7200}}, False, [END]),
    ("ended", {"conns": [1]}, True, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1]}, False, [A, END]),
    ("ended", {"conns": ["a"], "how": ["fin"]}, True, [A, FIN_AT_300, END]),
    ("ended", {"conns": ["a"], "how": ["fin"]}, False, [A, RST_AT_300, END]),
    ("ended", {"conns": [1], "after": "a", "min_ms": 297}, True, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "a", "min_ms": 297.8}, True, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "a", "min_ms": 298.2}, False, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "a", "max_ms": 297}, True, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "a", "max_ms": 200}, False, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "a", "max_ms": 200}, True, [SCALE_2, A, FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "stray", "max_ms": 200}, True, [A, "200 server stray conn=1 bytes=1", FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "stray", "max_ms": 50}, False, [A, "200 server stray conn=1 bytes=1", FIN_AT_300, END]),
    ("ended", {"conns": [1], "after": "stray"}, False, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1], "before": "m"}, True, [A, FIN_AT_300, MARK, END]),
    ("ended", {"conns": [1], "before": "b"}, False, [A, B_OTHER, FIN_AT_300, END]),
    ("ended", {"conns": [7]}, False, [A, FIN_AT_300, END]),
    ("ended", {"conns": [1]}, False, [A, END, "950 server fin_seen conn=1"]),
    ("load_figures", {"expect": {"reuse_rate": [0.7, 0.9], "failed": 1}}, True, [RUN]),
    ("load_figures", {"expect": {"reuse_rate": [0.9, 1]}}, False, [RUN]),
    ("load_figures", {"expect": {"closed.stray": 1, "closed.evicted": 0}}, True, [RUN]),
    ("load_figures", {"expect": {"no_such": 0}}, False, [RUN]),
    ("load_figures", {"expect": {"failed": 1}}, False, [A]),
    ("open_at", {"label": "m", "count": 2}, True, [A, B_OTHER, MARK]),
    ("open_at", {"label": "m", "count": 2}, False, [A, B_OTHER, FIN_AT_300, MARK]),
    ("open_at", {"label": "m", "max": 1}, True, [A, B_OTHER, FIN_AT_300, MARK]),
    ("open_at", {"label": "m", "min": 3}, False, [A, B_OTHER, MARK]),
    ("order", {"of": ["a", "b", "m"]}, True, [A, B_SAME, MARK]),
    ("order", {"of": ["b", "a"]}, False, [A, B_SAME]),
    ("order", {"of": ["a", "never"]}, False, [A]),
    ("order", {"of": ["m", "n"]}, True, [MARK, "399.5 judge mark label=n"]),
    ("order", {"of": ["m", "n"]}, False, [MARK, "398.5 judge mark label=n"]),
    ("replies", {"expect": [{"of": "a"}]}, True, [A]),
    ("replies", {"expect": [{"of": "a.setkeepalive", "value": 1}]}, True, [A]),
    ("replies", {"expect": [{"of": "a.setkeepalive", "value": 2}]}, False, [A]),
    ("replies", {"expect": [{"of": "a", "reused": 1}]}, False, [A]),
    ("replies", {"expect": [{"of": "s"}]}, False, [FAILED_SEND]),
    ("replies", {"expect": [{"of": "s", "ok": "either"}]}, True, [FAILED_SEND]),
    ("replies", {"expect": [{"of": "s", "ok": False}]}, True, [FAILED_SEND]),
    ("replies", {"expect": [{"of": "a", "ok": False}]}, False, [A]),
    ("replies", {"expect": [{"of": "s", "err": ["closed", "timeout"]}]}, True, [FAILED_SEND]),
    ("replies", {"expect": [{"of": "s", "err": "timeout"}]}, False, [FAILED_SEND]),
    ("replies", {"expect": [{"of": "s", "err_has": "los"}]}, True, [FAILED_SEND]),
    ("replies", {"expect": [{"of": "s", "err_has": "time"}]}, False, [FAILED_SEND]),
    ("replies", {"expect": [{"of": "never", "ok": "either"}]}, False, [A]),
    ("replies", {"expect": [{"of": "s", "ok": "either"}]}, False, ["5 judge command id=7 op=send label=s sock=x"]),
    ("request_count", {"of": "a"}, True, [A]),
    ("request_count", {"of": "a"}, False, [A, f"9 server request conn=2 req=1 target=/t/{T1}"]),
    ("request_count", {"of": "s", "count": 0}, False, [FAILED_SEND]),
    ("requests_per_connection", {"max": 5}, True, [BOOK]),
    ("requests_per_connection", {"max": 4}, False, [BOOK]),
    ("requests_per_connection", {"min": 6, "max": 9}, False, [BOOK]),
    ("requests_per_connection", {"max": 5}, False, [A]),
    ("reuse_order", {"returned": ["a"], "then": ["b"]}, True, [A, B_SAME]),
    ("reuse_order", {"returned": ["a"], "then": ["never"]}, False, [A, B_SAME]),
    ("served_by", {"same": [["a", "b"]]}, True, [A, B_SAME]),
    ("served_by", {"same": [["a", "b"]]}, False, [A, B_OTHER]),
    ("served_by", {"distinct": [["a", "b"]]}, True, [A, B_OTHER]),
    ("served_by", {"distinct": [["a", "b"]]}, False, [A, B_SAME]),
    ("served_by", {"same": [["a", 1]]}, True, [A]),
    ("served_by", {"distinct": [["a", "never"]]}, False, [A]),
    ("served_by", {"same": [["a", "c"]]}, True, [A, CONNECT_LATE]),
    ("served_by", {}, False, [A]),
    ("server_figures", {"expect": {"accepted": 2, "peak_open": [1, 2]}}, True, [RUN, BOOKS]),
    ("server_figures", {"expect": {"accepted": 3}}, False, [RUN, BOOKS]),
    ("server_figures", {"expect": {"accepted": 2}, "listener": "other"}, False, [RUN, BOOKS]),
    ("server_saw", {"ev": "fin_seen"}, True, [A, FIN_AT_300, END]),
    ("server_saw", {"ev": "fin_seen"}, False, [A, END]),
    ("server_saw", {"ev": "fin_seen", "conn": "b"}, False, [A, B_OTHER, FIN_AT_300, END]),
    ("server_saw", {"ev": "fin_seen", "min": 0, "max": 0}, False, [A, FIN_AT_300, END]),
    ("server_saw", {"ev": "fin_seen", "min": 0, "max": 0, "conn": 9}, False, [A, END]),
    ("server_saw", {"ev": "fin_seen", "min": 0, "max": 0, "before": "a"}, True, [A, FIN_AT_300, END]),
    ("server_saw", {"ev": "fin_seen", "min": 0, "max": 0, "before": "m"}, False, [A, FIN_AT_300, MARK, END]),
    ("server_saw", {"ev": "fin_seen", "min": 0, "before": "never"}, False, [A, FIN_AT_300, END]),
    ("still_open", {"conns": [1]}, True, [A, END]),
    ("still_open", {"conns": [1]}, False, [A, FIN_AT_300, END]),
    ("still_open", {"conns": [1], "until": "m"}, True, [A, MARK, "500 server fin_seen conn=1", END]),
    ("still_open", {"conns": [1], "until": "m"}, False, [A, FIN_AT_300, MARK, END]),
    ("still_open", {"conns": [9]}, False, [A, END]),
    ("still_open", {"conns": [1], "until": "never"}, False, [A, END]),
    ("socket_states", {"of": ["s"], "client": "TIME_WAIT", "server": "CLOSED"}, True, [A, WAITS]),
    ("socket_states", {"of": ["s"], "client": "TIME_WAIT"}, True, [A, WAITS]),
    ("socket_states", {"of": ["s"], "client": "CLOSED"}, False, [A, WAITS]),
    ("socket_states", {"of": ["s", "never"], "client": "TIME_WAIT"}, False, [A, WAITS]),
    ("bound", {"refused": ["x"], "allowed": ["y"]}, True, [BOUND]),
    ("bound", {"refused": ["y"], "allowed": ["x"]}, False, [BOUND]),
    ("bound", {"refused": ["x"], "allowed": ["never"]}, False, [BOUND]),
    ("sweep_share", {"outcome": "new", "least": 1, "behind_ms": 300, "spare_ms": 100}, True, [SWEPT]),
    ("sweep_share", {"outcome": "same", "least": 1, "before_ms": 310}, False, [SWEPT]),
    ("took", {"of": "c", "min_ms": 1, "max_ms": 5}, True, [A, CONNECT_LATE, END]),
    ("took", {"of": "c", "min_ms": 3}, False, [A, CONNECT_LATE, END]),
    ("took", {"of": "c", "max_ms": 0.5}, False, [A, CONNECT_LATE, END]),
    ("took", {"of": "never", "max_ms": 5}, False, [A, END]),
    ("wire_quiet", {"conns": [1], "after": "a", "until": "m"}, True, [A, MARK]),
    ("wire_quiet", {"conns": [1], "after": "a", "until": "m"}, False, [A, FIN_AT_300, MARK]),
    ("wire_quiet", {"conns": [1], "after": "a", "until": "never"}, False, [A]),
    ("wire_quiet", {"conns": [9], "after": "a", "until": "m"}, False, [A, MARK]),
    # Those of every trace.
    ("right_caller", {}, True, [A, B_SAME]),
    ("right_caller", {}, False, [A.replace(f"body=/t/{T1}", f"body=/t/{T2}")]),
    ("right_caller", {}, False, [A.replace(f"body=/t/{T1}", "body=forged")]),
    ("right_caller", {}, False, [A, f"9 judge command id=9 op=connect sock=z host=h port=80\n10 subject reply id=9 ok=true\n"
                                    f"11 judge command id=10 op=receive sock=z\n12 subject reply id=10 ok=true data=t/{T1}"]),
    ("right_caller", {}, True, [RUN]),
    ("right_caller", {}, False, [RUN.replace('"wrong_caller":0', '"wrong_caller":1')]),
    ("right_caller", {}, False, [RUN, ELSEWHERE]),
    ("nothing_dirty_reused", {}, True, [A, "300 server fin_sent conn=1"]),
    ("nothing_dirty_reused", {}, False, [A, "300 server fin_sent conn=1", CONNECT_LATE]),
    ("nothing_dirty_reused", {}, False, [A, "300 server rst_sent conn=1", CONNECT_LATE]),
    ("nothing_dirty_reused", {}, False, [A, "300 server stray conn=1 what=byte", CONNECT_LATE]),
    ("nothing_dirty_reused", {}, True, [A, "300 server stray conn=1 what=urgent", CONNECT_LATE]),
    ("nothing_dirty_reused", {}, True, [A, "500 server fin_sent conn=1", CONNECT_LATE]),
    ("nothing_dirty_reused", {}, True, [SCALE_2, A, "400 server fin_sent conn=1", CONNECT_LATE]),
    ("nothing_dirty_reused", {}, False, [A, "300 server response conn=1 req=1", CONNECT_LATE]),
    ("nothing_dirty_reused", {}, True, [A, "300 server fin_sent conn=1", CONNECT_LATE, "200 judge command id=50 op=block ms=340",
                                        "540 subject reply id=50 ok=true"]),
    ("nothing_dirty_reused", {}, False, [A, "100 server fin_sent conn=1", CONNECT_LATE, "210 judge command id=50 op=block ms=300",
                                         "510 subject reply id=50 ok=true"]),
    ("nothing_dirty_reused", {}, True, [RUN, BOOK]),
    ("nothing_dirty_reused", {}, True, [RUN, BOOK + " first_after_fault_t=20000000"]),
    ("nothing_dirty_reused", {}, False, [RUN, BOOK + " first_after_fault_t=120000000"]),
    ("idle_within_size", {}, True, [SIZE_1, A, END]),
    ("idle_within_size", {}, False, [SIZE_1, A, B_OTHER, END]),
    ("idle_within_size", {}, True, [SIZE_1, A, B_OTHER, "60 server fin_seen conn=1", END]),
    ("idle_within_size", {}, True, [SIZE_1, A, B_OTHER, "100 server fin_seen conn=2", END]),
    ("idle_within_size", {}, True, [SIZE_1, A, exchange("b", T2, conn=2, at=50, back="size=2"), END]),
    ("idle_within_size", {}, True, [RUN]),
    ("idle_within_size", {}, False, [RUN.replace('"idle_peak_per_worker":[2]', '"idle_peak_per_worker":[2,3]')]),
    ("idle_within_timeout", {}, True, [A, END]),
    ("idle_within_timeout", {}, False, [SHORT, A, "460 judge end"]),
    ("idle_within_timeout", {}, True, [SHORT + " timeout_scale=2", A, "460 judge end"]),
    ("idle_within_timeout", {}, True, [SHORT, A, "300 server fin_seen conn=1", "460 judge end"]),
    ("idle_within_timeout", {}, True, [SHORT, A, "100 judge command id=50 op=block ms=200", "300 subject reply id=50 ok=true",
                                       "460 judge end"]),
    ("idle_within_timeout", {}, False, [exchange("a", T1, conn=1, at=0, back="timeout_ms=100"), "460 judge end"]),
    ("idle_within_timeout", {}, True, [SHORT, exchange("a", T1, conn=1, at=0, back="timeout_ms=0"), "460 judge end"]),
    ("idle_within_timeout", {}, True, [RUN, "1 server response conn=1 keep=true", "300 server request conn=1 target=/"]),
    ("idle_within_timeout", {}, False, [RUN, "1 server response conn=1 keep=true", "400 server request conn=1 target=/"]),
    ("books_equal", {}, True, [A, B_SAME]),
    ("books_equal", {}, False, [A, B_SAME.replace("reused=1", "reused=0")]),
    ("books_equal", {}, False, [A.replace("server response", "server gate")]),
    ("books_equal", {}, True, [A, B_OTHER.replace("server accepted conn=2", "server abandoned connections=1")]),
    ("books_equal", {}, False, [A, B_OTHER, "60 server abandoned listener=origin connections=1"]),
    ("books_equal", {}, True, [RUN, BOOKS]),
    ("books_equal", {}, False, [RUN]),
    ("books_equal", {}, True, ['-1 judge begin real={"kind":"nginx"}', RUN]),
    ("books_equal", {}, False, [RUN, BOOKS.replace('"accepted":2', '"accepted":3')]),
    ("books_equal", {}, False, [RUN, BOOKS.replace('"responses":9', '"responses":8')]),
    ("books_equal", {}, False, [RUN, BOOKS.replace('"requests":10', '"requests":11')]),
    ("steps_answered", {}, True, [A]),
    ("steps_answered", {}, False, [FAILED_SEND]),
    ("steps_answered", {"judged": ["s"]}, True, [FAILED_SEND]),
    ("steps_answered", {}, False, ["5 judge command id=7 op=send label=s sock=x"]),
    ("steps_answered", {}, False, [FAILED_EXCHANGE]),
    ("steps_answered", {}, False, [A, "500 judge await_missed awaited=fin_seen conn=1 within_ms=100"]),
    ("steps_answered", {"watched": [1]}, True, [A, "500 judge await_missed awaited=fin_seen conn=1 within_ms=100"]),
]


@pytest.mark.parametrize(("name", "params", "ok", "lines"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_verdict(name, params, ok, lines):
    assert checkers.problem(name, params) is None
    finding = checkers.module(name).check(trace("\n".join(lines)), **params)
    assert finding.ok is ok, finding
    assert finding.expected and finding.seen


def test_every_checker_is_shown_with_both_verdicts():
    shown = {(name, ok) for name, _, ok, _ in CASES}
    assert shown == {(name, ok) for name in checkers.names() for ok in (True, False)}


def test_every_checker_has_a_manual_and_imports_only_the_trace():
    for name in checkers.names():
        module = checkers.module(name)
        assert (module.__doc__ and module.check.__doc__) or not checkers.parameters(name), name
        for parameter in checkers.parameters(name):
            assert f"{parameter}" in (module.check.__doc__ or ""), f"{name}: {parameter} is not in its manual"
        for line in Path(module.__file__).read_text(encoding="utf-8").splitlines():
            if line.startswith(("import ", "from ")):
                source = line.split()[1]
                assert source.startswith("judge.trace") or source in sys.stdlib_module_names | {"collections.abc"}, line


def test_a_convicting_moment_is_named():
    finding = checkers.module("ended").check(trace("\n".join([A, RST_AT_300, END])), conns=["a"], how=["fin"])
    assert (finding.t, finding.conn) == (300_000_000, 1)


@pytest.mark.parametrize("arguments", [{"ev": "prob", "min": 0, "max": 0}, {"ev": "probe", "side": "clint", "min": 0, "max": 0}])
def test_what_the_wire_has_no_word_for_is_no_pass(arguments):
    with pytest.raises(ValueError, match="ev is one of probe, "):
        checkers.module("wire_saw").check(trace(END), **arguments)


@pytest.mark.parametrize(("max_ms", "lines", "margin_ms"), [
    (200, [A, FIN_AT_300, END], 200),
    (200, [SCALE_2, A, END], 400),
    (None, [A, END], None),
])
def test_missed_upper_bounds_carry_their_margin(max_ms, lines, margin_ms):
    finding = checkers.module("ended").check(trace("\n".join(lines)), conns=[1], after="a", max_ms=max_ms)
    assert not finding.ok
    assert finding.margin_ms == margin_ms


LAG = "2000 server lag max_ms=500"


@pytest.mark.parametrize(("name", "lines"), [
    ("nothing_dirty_reused", [A, "300 server fin_sent conn=1", CONNECT_LATE]),
    ("idle_within_size", [SIZE_1, A, B_OTHER, END.replace("900", "500")]),
    ("idle_within_timeout", [SHORT, A, "460 judge end"]),
])
def test_a_late_machine_makes_every_trace_checks_blunter(name, lines):
    check = checkers.module(name).check
    assert not check(trace("\n".join(lines))).ok
    assert check(trace("\n".join([*lines, LAG]))).ok


def test_reuse_order_observes():
    both = [exchange("a", T1, 1, 0), exchange("b", T2, 2, 10)]
    lifo = [exchange("c", T1, 2, 50, reused=1), exchange("d", T2, 1, 60, reused=1)]
    for labels, value in ((["c", "d"], "lifo"), (["d", "c"], "fifo"), (["c", "c"], "other")):
        finding = checkers.module("reuse_order").check(trace("\n".join(both + lifo)), returned=["a", "b"], then=labels)
        assert finding.value == value
