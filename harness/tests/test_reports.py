"""The reports: figures as people read them, the files of a run as they may be (bad ones too), and real gnuplot."""

from __future__ import annotations

import ast
import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import reports
from reports import bench, facts, files, gnuplot, headline, latency, lives, lives_plot, series, summary, svg, units, verdicts

ROOT = Path(__file__).resolve().parents[2]
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


# --- gnuplot ---

def sample_run(folder: Path, **more: Any) -> dict[str, Any]:
    put_load(folder)
    put_trace(folder, [
        {"t": 0, "who": "judge", "ev": "begin", "scenario": "idle/fin"}, server(1, "accepted", 1, peer=4001), *request(2, 1),
        server(10, "fin_sent", 1), server(20, "request", 1, req=2), server(21, "rst_seen", 1), server(21.5, "closed", 1)])
    excerpt = [server(10, "fin_sent", 1), server(20, "request", 1, req=2, target=HOSTILE)]
    failed = result("fail", excerpt=excerpt, violation_t=20 * MS, violation_conn=1, **more)
    return {"schema": "results/1", "version": "0.1.0", "command": "./run.sh scenario", "seed": 1, "elapsed_s": 1.0,
            "results": [failed, result(clause="trace/right-caller")], "loads": [load()],
            "runs": [RUN]}


class Page(HTMLParser):
    """What a page holds: text, ids, and everything that would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "src" or (name == "href" and tag in ("link", "image")):
                self.fetched.append(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_build_draws_every_chart_and_writes_the_page(tmp_path: Path) -> None:
    written = reports.build(tmp_path, sample_run(tmp_path))
    assert {path.name for path in written} == {
        "index.html", "summary.md", "latency__ok.svg", "latency__ok.png", "series__ok.svg", "series__ok.png",
        "lives__idle_fin__reference__1.svg", "lives__idle_fin__reference__1.png"}
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
    told = " ".join(ElementTree.parse(tmp_path / "plots" / "lives__idle_fin__reference__1.svg").getroot().itertext())
    for expected in ("Life of connections: idle/fin · reference", "violates idle/fin-closes", "time since the run began (ms)",
                     "c1", "server sends FIN", "client resets", "in use"):
        assert expected in told
    told = " ".join(ElementTree.parse(tmp_path / "plots" / "latency__ok.svg").getroot().itertext())
    for expected in ("Latency: load/ok · reference", "99.9 %", "first use (1,000)", "1 ms"):
        assert expected in told


def test_the_page_is_whole_and_needs_nothing_else(tmp_path: Path) -> None:
    reports.build(tmp_path, sample_run(tmp_path, seen=HOSTILE, clause=HOSTILE))
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    told = " ".join(page.texts)
    for expected in ("1 of 2 verdicts not as expected.", "alert('x')", "./run.sh scenario idle/fin --seed 1", "◀ violation",
                     "trace/right-caller", "2 × ECONNRESET in phase receive (reuse)", "99.0 %"):
        assert expected in told
    assert page.tags.count("script") == 1, "hostile text became markup"
    assert page.tags.count("svg") == 3
    assert page.fetched == ["data:,"]
    assert len(page.ids) == len(set(page.ids))
    assert "#0072b2" not in text[text.index("<svg"):], "a chart keeps a colour of its own on the dark page"


def test_hostile_text_ends_no_gnuplot_string_and_no_svg(tmp_path: Path) -> None:
    stray = tmp_path / "stray"
    hostile = f"it's '; system('touch {stray}'); '{HOSTILE} \ud800"
    curve = latency.Curve(hostile, "lw 1", files.Histogram([(0.0, 1.0), (1.0, 2.0)], 2))
    drawn = latency.plot(gnuplot.stem("x", "../up", hostile), hostile, [curve], hostile)
    assert drawn is not None
    made = gnuplot.draw([drawn], tmp_path / "plots")
    assert {path.parent for path in made} == {tmp_path / "plots"}
    told = "".join(ElementTree.parse(made[0]).getroot().itertext())
    assert "it's '; system(" in told
    assert "<script>" in told
    assert not stray.exists()


def test_gnuplot_failing_is_said_in_a_sentence(tmp_path: Path) -> None:
    good = gnuplot.Plot("good", "good", "", "", "plot x")
    with pytest.raises(gnuplot.GnuplotError, match=r"gnuplot failed at chart bad \(exit 1\): .*undefined function"):
        gnuplot.draw([gnuplot.Plot("bad", "bad", "", "", "plot nonsense(x)")], tmp_path)
    assert len(gnuplot.draw([good], tmp_path)) == 2


def test_gnuplot_missing_costs_the_charts_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    written = reports.build(tmp_path, sample_run(tmp_path))
    assert [path.name for path in written] == ["summary.md", "index.html"]
    said = "no charts were drawn: gnuplot is not installed (Debian: apt-get install gnuplot-nox)"
    assert capsys.readouterr().err == f"report: {said}\n"
    assert said in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "gnuplot is not installed" in (tmp_path / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "content", "said"), [
    ("load/ok/all.hgrm", "garbage\n", "load/ok: all.hgrm line 1 is no percentile line"),
    ("load/ok/series.csv", "a,b\n", "load/ok: series.csv lacks the column second"),
    ("traces/idle_fin__reference__1.jsonl", "{\n{}\n", "idle_fin__reference__1.jsonl line 1 is not JSON"),
    ("traces/idle_fin__reference__1.jsonl", '{"who":"server","ev":"accepted","conn":1}\n', "is not as its schema says"),
])
def test_a_bad_file_costs_its_own_chart_only(
    tmp_path: Path, path: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = sample_run(tmp_path)
    put(tmp_path / path, content)
    written = reports.build(tmp_path, given)
    assert len([path for path in written if path.suffix == ".svg"]) == 2
    assert said in capsys.readouterr().err
    assert said in "".join(Page((tmp_path / "index.html").read_text(encoding="utf-8")).texts)


@pytest.mark.parametrize("given", [{}, {"results": [], "loads": [], "runs": []}, {"results": [result(trace=None)]}])
def test_an_empty_run_has_a_page_too(tmp_path: Path, given: dict[str, Any]) -> None:
    assert [path.name for path in reports.build(tmp_path, given)] == ["summary.md", "index.html"]


def test_one_latency_plot_for_the_load_generator_and_wrk(tmp_path: Path) -> None:
    for name in ("ours", "wrk"):
        put(tmp_path / f"{name}.hgrm", HGRM)
    figures = {"requests": 10, "reuse_rate": 0.5, "failed": 1, "connections_per_1000": 500}
    reports.build(tmp_path, {"bench": {"pairs": [], "latency": {"load": "ours.hgrm", "wrk": "wrk.hgrm"}, "misbehaving": [
        {"behaviour": "fin-behind", "load": figures, "wrk": figures, "latency": {"load": "ours.hgrm", "wrk": "wrk.hgrm"}}]}})
    told = " ".join(ElementTree.parse(tmp_path / "plots" / "bench__fin-behind.svg").getroot().itertext())
    assert "load generator (1,000)" in told
    assert "wrk (1,000)" in told
    assert "Load generator and wrk, side by side." in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_an_inlined_chart_leaves_its_text_alone() -> None:
    given = """<?xml version="1.0"?>
<svg viewBox="0 0 1 1"><title>Gnuplot</title><g id="a" fill="#1f2328">\
<use href="#a"/><text>#1f2328 rgb(31,35,40)</text></g></svg>"""
    inlined = svg.inline(given, "p", 'a "b"')
    assert inlined == """<svg role="img" aria-label="a &quot;b&quot;" viewBox="0 0 1 1"><g id="p-a" fill="var(--ink)">\
<use href="#p-a"/><text>#1f2328 rgb(31,35,40)</text></g></svg>"""


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
