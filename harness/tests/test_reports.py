"""The reports: figures as people read them, and the files of a run as they may be (bad ones too)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from report_kit import EMPTY_HGRM, HGRM, HOSTILE, MS, RUN, SERIES, books, load, put, put_load, request, result, server

from reports import bench, facts, files, headline, latency, lives, lives_plot, series, summary, units, verdicts

ROOT = Path(__file__).resolve().parents[2]


# --- figures ---

@pytest.mark.parametrize(("share", "text"), [
    (1, "100 %"), (0, "0 %"), (0.5, "50.0 %"), (0.9998, "99.98 %"), (0.99999999, "> 99.999 %"), (0.00001, "0.001 %"), (None, "–"),
])
def test_a_share_is_never_rounded_to_all_or_nothing(share: float | None, text: str) -> None:
    assert units.percent(share) == text


@pytest.mark.parametrize(("us", "text"), [
    (61, "61 µs"), (999.4, "999 µs"), (999.6, "1.00 ms"), (1234, "1.23 ms"), (2_500_000, "2.50 s"), (4e9, "4,000 s"), (0, "0 µs"),
    (None, "–"),
])
def test_durations_take_the_unit_that_keeps_them_short(us: float | None, text: str) -> None:
    assert units.duration_us(us) == text


def test_headline_has_a_line_per_behaviour_the_healthy_one_first() -> None:
    rows = headline.rows({"loads": [load("close-after"), load("ok"), load("reset-accept", reuse_rate=None)]})
    assert [row.label for row in rows] == ["ok", "close-after", "reset-accept"]
    assert rows[0].cells() == ["ok", "1,000", "99.0 %", "0", "10", "200 µs", "900 µs", "61 µs", "1.23 ms"]
    assert rows[2].cells()[2] == "–"


def test_headline_adds_up_the_counts_of_repeats_and_takes_the_median_of_rates() -> None:
    row, = headline.rows({"loads": [load(reuse_rate=rate, failed=1) for rate in (0.5, 0.9, 0.8)]})
    assert (row.runs, row.requests, row.failed, row.reuse_rate) == (3, 3000, 3, 0.8)


def test_headline_tells_lines_of_one_behaviour_apart() -> None:
    rows = headline.rows({"loads": [load(), load() | {"scenario": "load/unix"}, load() | {"subject": "curl"}]})
    assert [row.label for row in rows] == ["ok (ok, curl)", "ok (ok, reference)", "ok (unix, reference)"]


def test_headline_as_text_is_aligned() -> None:
    lines = headline.text({"loads": [load(), load("close-after", reuse_p99_us=None)]}).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines[2:]}) == 1
    assert lines[3].endswith(" –")


def test_headline_without_loads_is_empty() -> None:
    for given in ({}, {"loads": []}):
        assert headline.rows(given) == []
        assert headline.text(given) == headline.markdown(given) == headline.html(given) == ""


def test_headline_in_markdown_and_html_escapes() -> None:
    given = {"loads": [load(HOSTILE)]}
    assert "<script>" not in headline.html(given)
    line = headline.markdown(given).splitlines()[2]
    assert "\\<script\\>" in line
    assert line.replace("\\|", "").count("|") == len(headline.COLUMNS) + 1


# --- files, good and broken ---

def test_histogram_is_read(tmp_path: Path) -> None:
    read = files.histogram(put(tmp_path / "all.hgrm", HGRM))
    assert read.count == 1000
    assert read.points[0] == (0.0, 50.0)
    assert read.points[-1] == (1.0, 9000.0)
    assert files.histogram(put(tmp_path / "none.hgrm", EMPTY_HGRM)) == files.Histogram([], 0)


@pytest.mark.parametrize(("text", "said"), [
    ("1.0 0.5\n", "line 1 is no percentile line"),
    ("Value Percentile\n\nfive 0.5 1 2.0\n", "line 3 is no percentile line: 'five 0.5 1 2.0'"),
    ("nan 0.5 1 2.0\n", "out of range"),
    ("1.0 1.5 1 2.0\n", "out of range"),
])
def test_a_broken_histogram_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(files.BadFile, match=r"all.hgrm") as caught:
        files.histogram(put(tmp_path / "all.hgrm", text))
    assert said in str(caught.value)


def test_series_is_read_and_a_broken_one_is_named(tmp_path: Path) -> None:
    rows = files.series(put(tmp_path / "series.csv", SERIES))
    assert (rows[1]["reused"], rows[2]["p50_us"]) == (100, None)
    with pytest.raises(files.BadFile, match="lacks the column opened"):
        files.series(put(tmp_path / "series.csv", SERIES.replace("opened", "closed")))
    with pytest.raises(files.BadFile, match="line 2 holds something that is not a number"):
        files.series(put(tmp_path / "series.csv", SERIES.replace("0,100,", "0,many,", 1)))
    with pytest.raises(files.BadFile, match="line 2 holds"):
        files.series(put(tmp_path / "series.csv", SERIES.replace("0,100,100,0,90,10,60,400", "0,100")))


def test_a_trace_is_sorted_and_only_a_cut_last_line_is_forgiven(tmp_path: Path) -> None:
    assert [event["t"] for event in files.trace(put(tmp_path / "t", '{"t":2}\n{"t":1}\n{"t":3,"wh'))] == [1, 2]
    with pytest.raises(files.BadFile, match="t line 1 is not JSON"):
        files.trace(put(tmp_path / "t", '{"t":2\n{"t":1}\n'))
    with pytest.raises(files.BadFile, match="t line 2 is not a JSON object"):
        files.trace(put(tmp_path / "t", '{"t":2}\n7\n'))
    with pytest.raises(files.BadFile, match="line 1 has a moment that is no integer"):
        files.trace(put(tmp_path / "t", '{"t":"soon"}\n'))


def test_a_document_of_another_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(files.BadFile, match="has schema 'load/2'; this report reads 'load/1'"):
        files.document(put(tmp_path / "run.json", '{"schema":"load/2"}'), "load/1")
    with pytest.raises(files.BadFile, match=r"run.json cannot be read: No such file"):
        files.document(tmp_path / "none" / "run.json", "load/1")


def test_facts_of_a_run(tmp_path: Path) -> None:
    put_load(tmp_path)
    told = dict(facts.of_run(tmp_path / "load" / "ok"))
    assert told["errors"] == "2 × ECONNRESET in phase receive (reuse)"
    assert told["requests on a connection"] == "1 least, 50 median, 90 most"


# --- latency and series ---

def test_nines_axis_puts_the_maximum_at_the_count(tmp_path: Path) -> None:
    points = latency.nines(files.histogram(put(tmp_path / "all.hgrm", HGRM)))
    assert [round(x) for x, _ in points] == [1, 2, 10, 100, 1000]
    assert points[-1] == (1000.0, 9000.0)


def test_nothing_measured_is_no_chart() -> None:
    none = latency.Curve("reuse", "lw 1", files.Histogram([], 0))
    assert latency.plot("x", "x", [none]) is None
    one = latency.Curve("first", "lw 1", files.Histogram([(0.0, 60.0), (1.0, 60.0)], 1))
    drawn = latency.plot("x", "x", [one, none])
    assert drawn is not None
    assert "'reuse (none)'" in drawn.script
    assert series.plot("x", "x", []) is None


def test_a_second_without_requests_has_no_reuse_rate(tmp_path: Path) -> None:
    points = series.points(files.series(put(tmp_path / "series.csv", SERIES)))
    assert points[:2] == [(0, 90.0, 10), (1, 100.0, 0)]
    assert points[2][1] != points[2][1]  # NaN: a gap in the line


# --- the life of connections ---

def test_in_use_is_from_request_to_response_and_before_it_from_open() -> None:
    life, = lives.read([server(0, "accepted", 1, peer=4001), *request(2, 1), *request(10, 1, 2), server(20, "fin_seen", 1),
                        server(21, "closed", 1)])
    assert life.in_use == [(0, 3 * MS), (10 * MS, 11 * MS)]
    assert (life.requests, life.marks, life.closed) == ([2 * MS, 10 * MS], [(20 * MS, "fin_seen")], 21 * MS)


def test_in_use_is_from_checkout_to_checkin_where_the_port_is_known() -> None:
    def step(t: float, number: int, op: str, sock: str, **reply: Any) -> list[dict[str, Any]]:
        return [{"t": int(t * MS), "who": "judge", "ev": "command", "id": number, "op": op, "sock": sock},
                {"t": int((t + 1) * MS), "who": "subject", "ev": "reply", "id": number, "ok": True, **reply}]

    events = [
        *step(0, 1, "connect", "a", reused=0, local_port=4001), server(1.5, "accepted", 1, peer=4001), *request(2, 1),
        *step(8, 2, "setkeepalive", "a"), *step(20, 3, "connect", "b", reused=1, local_port=4001), *request(22, 1, 2),
        *step(30, 4, "close", "b"), server(31, "fin_seen", 1),
        *step(40, 5, "connect", "c", reused=0, local_port=4001), server(42, "accepted", 2, peer=4001),  # the port again
    ]
    first, second = lives.read(sorted(events, key=lambda event: event["t"]))
    assert first.in_use == [(int(1.5 * MS), 8 * MS), (21 * MS, 30 * MS)]
    assert second.in_use == [(42 * MS, None)]


@pytest.mark.parametrize(("event", "kind", "ended"), [
    (server(5, "fin_sent", 1), "fin_sent", 5 * MS), (server(5, "fin_sent", 1, half=True), "half_closed", None),
    (server(5, "rst_sent", 1), "rst_sent", 5 * MS), (server(5, "stray", 1, bytes=1), "stray", None),
    (server(5, "late", 1), "late", None),
])
def test_faults_are_marked(event: dict[str, Any], kind: str, ended: int | None) -> None:
    life, = lives.read([server(0, "accepted", 1, peer=1), *request(1, 1), event])
    assert life.marks == [(5 * MS, kind)]
    assert life.ended_by_server == ended


def test_what_was_not_recorded_comes_from_the_books() -> None:
    told, silent = lives.read([
        server(0, "accepted", 1, peer=4001), *request(1, 1), books(1, 0, 90, requests=50),
        books(2, 10, 80, requests=7, fault="stray", fault_t=70 * MS)])
    assert (told.counted, told.recorded_until, told.closed) == (50, 1 * MS, 90 * MS)
    assert (silent.opened, silent.recorded_until, silent.requests) == (10 * MS, 10 * MS, [])
    assert silent.marks == [(70 * MS, "stray"), (80 * MS, "fin_seen")]


def test_of_thousands_the_first_and_the_violating_are_shown() -> None:
    events = [server(conn, "accepted", conn, peer=conn) for conn in range(1, 5001)]
    violations = [lives_plot.Violation("a/b", 4999 * MS, 4999), lives_plot.Violation("a/b", None, 7)]
    drawn = lives_plot.plot("x", "x", events, violations)
    assert drawn is not None
    assert drawn.subtitle == "the first 40 and 1 that violate a clause of 5,000 connections"
    assert "'c40' 39, 'c4999' 40)" in drawn.script
    assert "violates a/b" in drawn.script
    assert "rectangle from graph 0, first 39.5 to graph 1, first 40.5" in drawn.script
    assert drawn.height < 1200


def test_no_connection_is_no_chart() -> None:
    assert lives_plot.plot("x", "x", [{"t": 1, "who": "judge", "ev": "begin"}], []) is None


def test_a_load_is_shown_as_far_as_it_was_recorded() -> None:
    events = [server(0, "accepted", 1, peer=1), *request(1, 1), *request(3, 1, 2), books(1, 0, 1000, requests=500)]
    drawn = lives_plot.plot("x", "x", events, [])
    assert drawn is not None
    assert drawn.subtitle.startswith("1 connection; the first ")
    assert drawn.subtitle.endswith("2 of their 500 requests were recorded one by one")


# --- verdicts, summary, bench ---

def test_repeats_are_one_line_with_the_worst_verdict() -> None:
    repeats = [result(repeat=1), result("fail", repeat=2), result(repeat=3), result("fail", repeat=4)]
    observed, mixed = verdicts.matrix({"results": [*repeats[:3], result("observed", clause="a/b", seen="lifo")]})
    assert (mixed.worst, mixed.cells[0].note) == ("fail", "1 of 3")
    assert (observed.worst, observed.cells[0].note) == ("observed", "lifo")
    shown, = verdicts.in_full({"results": repeats})
    assert (shown.result["repeat"], shown.also) == (2, [4])


@pytest.mark.parametrize(("given", "sentence", "good"), [
    ({"results": [result(), result("advisory")]}, "All 2 verdicts as expected.", True),
    ({"results": [result("fail")]}, "1 of 1 verdicts not as expected.", False),
    ({"results": [result("fail", known={"reason": "r", "link": "l"})]}, "All 1 verdicts as expected.", True),
    ({"results": [result()], "gates": [{"rule": "reuse<1", "value": 0.5, "broken": True}]},
     "All 1 verdicts as expected; 1 gate broken.", False),
    ({"results": [result()], "problems": ["p"]}, "All 1 verdicts as expected; 1 problem.", False),
    ({}, "Nothing was judged.", True),
])
def test_the_run_in_a_sentence(given: dict[str, Any], sentence: str, good: bool) -> None:
    assert (verdicts.sentence(given), verdicts.as_expected(given)) == (sentence, good)


def test_summary_has_the_table_and_what_failed_and_survives_hostile_text() -> None:
    failed = result("fail", seen=HOSTILE, reproduce="run `x`")
    text = summary.text({"results": [failed, result()], "loads": [load()], "runs": [RUN]}, ["a chart is missing"])
    assert "| ok | 1,000 | 99.0 % | 0 | 10 |" in text
    assert "**fail** `idle/fin` at clause `idle/fin-closes`" in text
    assert "<script>" not in text
    assert "`` run `x` ``" in text
    assert "- a chart is missing" in text


def test_bench_ratio_is_taken_within_pairs() -> None:
    pairs = [{"load": {"cpu_us_per_request": ours, "throughput": 10}, "wrk": {"cpu_us_per_request": theirs, "throughput": 20}}
             for ours, theirs in ((1, 2), (9, 10), (8, 10))]
    given = {"pairs": [*pairs, {"load": {"cpu_us_per_request": 1}}], "bar": 0.7}
    assert bench.ratio(given, "cpu_us_per_request") == (0.8, 0.5, 0.9)
    assert "3 pairs" in bench.verdict(given)
    assert "NOT met" in bench.verdict(given)
    assert "client CPU per request" in bench.text(given)
    assert bench.ratio({}, "throughput") is None
    assert "nothing can be said" in bench.text({"pairs": []})


# --- the layer ---

def test_reports_import_nothing_of_the_harness() -> None:
    allowed = set(sys.stdlib_module_names) | {"jinja2", "markupsafe"}
    modules = sorted((ROOT / "reports").glob("*.py"))
    assert modules
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            assert {name.partition(".")[0] for name in names} <= allowed, f"{path.name} imports {names}"
