"""The pages of sweep, advise and compare-modes, and the index that links them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from judge_kit import judge

import reports
from reports import pages

HOSTILE = "<script>alert(1)</script>"


def swept(server: str = "mock", **more: Any) -> dict[str, Any]:
    steps = [{"gap_ms": 199 + n, "same": 9, "new": 0, "failed": n % 2, "how": {"receive EOF": 1}, "rate": 0.1 * (n % 2), "low": 0,
              "high": 0.3} for n in range(3)]
    pool = {"name": HOSTILE, "watch": True, "idle_timeout_ms": None, "late": 0, "lost": 0, "steps": steps, "window": None}
    return {"schema": "sweep/1", "server": server, "title": "a server", "option": "T", "timeout_ms": 200, "closes_over_ms": 0, "pairs": 10,
            "rate": 1, "seed": 1, "started": "2026-01-01", "pools": [pool]} | more


def put(folder: Path, name: str, found: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text(json.dumps(found))
    return path


def index(folder: Path) -> str:
    return (folder / "index.html").read_text()


def test_a_page_has_the_sentence_the_figures_and_the_plot(tmp_path: Path) -> None:
    reports.build_page(put(tmp_path, "sweep__mock.json", swept()))
    page = (tmp_path / "sweep__mock.html").read_text()
    assert "A connection that idles is closed by a server, after T = 200 ms." in page and page.count("<svg") == 1
    assert HOSTILE not in page and "&lt;script&gt;" in page
    assert 'href="./sweep__mock.json"' in page and 'href="./index.html"' in page
    assert 'href="./sweep__mock.html"' in index(tmp_path) and HOSTILE not in index(tmp_path)


def test_an_index_links_what_is_there_in_whatever_order_it_came(tmp_path: Path) -> None:
    run = {"schema": "results/1", "results": [], "version": "0.0.7"}
    reports.build_page(put(tmp_path, "sweep__mock.json", swept()))
    put(tmp_path, "results.json", run)
    reports.build(tmp_path, run)
    assert "version 0.0.7" in index(tmp_path) and "./sweep__mock.html" in index(tmp_path) and "./sweep__nginx.html" not in index(tmp_path)
    reports.build_page(put(tmp_path, "sweep__nginx.json", swept("nginx")))
    assert all(text in index(tmp_path) for text in ("version 0.0.7", "./sweep__mock.html", "./sweep__nginx.html"))


def test_a_bad_file_costs_its_own_page_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports.build_page(put(tmp_path, "sweep__mock.json", swept()))
    reports.build_page(put(tmp_path, "sweep__nginx.json", swept(pools=None)))
    assert "sweep__nginx.json is not as its schema says" in capsys.readouterr().err
    assert not (tmp_path / "sweep__nginx.html").exists() and "./sweep__mock.html" in index(tmp_path)
    put(tmp_path, "sweep__mock.json", swept(schema="sweep/2"))  # behind the page's back
    reports.build_page(put(tmp_path, "sweep__tomcat.json", swept("tomcat")))
    assert "sweep__mock.json has schema" in index(tmp_path) and "./sweep__tomcat.html" in index(tmp_path)


def test_an_index_is_left_alone_where_its_run_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results.json").write_text("{")
    (tmp_path / "index.html").write_text("the run")
    reports.build_page(put(tmp_path, "sweep__mock.json", swept()))
    assert index(tmp_path) == "the run" and "results.json is not JSON" in capsys.readouterr().err
    assert (tmp_path / "sweep__mock.html").exists()


def test_every_kind_of_page_is_described(tmp_path: Path) -> None:
    schema = (Path(reports.__file__).parent / "SCHEMA.md").read_text()
    assert all(f"`{kind}/1`" in schema for kind in pages.KINDS)


@pytest.mark.parametrize("command", [
    ["scenario"], ["bench"], ["sweep"], ["compare-modes"], ["advise", "--server-idle", "5s", "--pool-idle", "5s"],
], ids=lambda command: command[0])
def test_an_out_that_can_be_no_folder_is_refused_before_anything_runs(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("mine")
    ran = judge(*command, "--out", tmp_path / "file" / "below")
    assert ran.code == 2 and ran.err == f"poolspec: --out {tmp_path}/file/below: {tmp_path}/file is no folder\n"
    assert (tmp_path / "file").read_text() == "mine"
    ran = judge(*command, "--out", "/proc/none")
    assert ran.code == 2 and ran.err.startswith("poolspec: --out /proc/none: /proc cannot be written to: ")
