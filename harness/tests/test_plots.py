"""The reports as they are drawn: real gnuplot, and the pages that hold its charts."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from report_kit import HGRM, HOSTILE, MS, RUN, load, put, put_load, put_trace, request, result, server

import reports
from reports import files, gnuplot, latency, svg


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
