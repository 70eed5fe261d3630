"""Which of my two timeouts? The arithmetic against simulation and by hand, the sentences, the command."""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path

import pytest
from judge.advise import gaps, words
from judge.advise.arithmetic import (
    Settings,
    advised,
    failure_share,
    requests_per_connection,
    reuse_rate,
    rounded_down,
    unwatched_share,
)
from judge.advise.command import windowed
from judge.errors import HarnessError
from judge_kit import judge

S = 1000.0


def test_distributions() -> None:
    exponential, uniform = gaps.read("exp:30s"), gaps.read("uniform:1s-3s")
    assert exponential.cdf(30 * S) == pytest.approx(1 - 1 / math.e) and exponential.cdf(-1) == 0
    assert exponential.quantile(exponential.cdf(7 * S)) == pytest.approx(7 * S)
    assert (uniform.cdf(S), uniform.cdf(2 * S), uniform.cdf(9 * S), uniform.quantile(0.25)) == (0, 0.5, 1, 1.5 * S)
    listed = gaps.read("2s,1s,5s")
    assert (listed.cdf(1.9 * S), listed.cdf(2 * S), listed.quantile(0.99)) == (1 / 3, 2 / 3, 5 * S)
    assert gaps.read("fixed:4s") == gaps.Listed((4 * S,))
    assert gaps.below(uniform, 2 * S) == (pytest.approx(1.5 * S, rel=1e-3), pytest.approx(1 / 27, rel=1e-2))
    assert gaps.below(uniform, S) is None


@pytest.mark.parametrize("text", ["", "exp:", "exp:3", "uniform:3s", "uniform:3s-1s", "normal:3s", "1s,", "fixed:0s"])
def test_what_is_no_distribution(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        gaps.read(text)


@pytest.mark.parametrize(
    ("pool_s", "first"), [(74, "pool"), (74.9, "pool"), (75, "either"), (75.0004, "either"), (75.1, "server"), (math.inf, "server")]
)
def test_who_closes_first(pool_s: float, first: str) -> None:
    assert Settings(75 * S, pool_s * S, window_ms=1).first == first


def test_a_server_that_closes_over_a_second_is_first_only_behind_it() -> None:
    assert Settings(20 * S, 20.5 * S, 1, closes_over_ms=S).first == "either"
    assert Settings(20 * S, 22 * S, 1, closes_over_ms=S).first == "server"


def test_the_failures_are_the_density_at_the_timeout_times_the_window() -> None:
    settings, exponential = Settings(75 * S, 90 * S, window_ms=2), gaps.read("exp:30s")
    density = math.exp(-75 / 30) / (30 * S)
    assert failure_share(settings, exponential) == pytest.approx(2 * density, rel=1e-4)
    assert unwatched_share(settings, exponential) == pytest.approx(math.exp(-75 / 30) - math.exp(-90 / 30), rel=1e-3)
    spread = Settings(75 * S, 90 * S, 2, closes_over_ms=S)  # the same in sum, at later moments
    assert failure_share(spread, exponential) == pytest.approx(2 * density * math.exp(-0.5 / 30), rel=1e-3)


def test_a_pool_that_closes_first_loses_nothing() -> None:
    for text in ("exp:30s", "uniform:1s-100s", "fixed:75s", "1s,75s,80s"):
        assert failure_share(Settings(75 * S, 74 * S, 1), gaps.read(text)) == 0
        assert unwatched_share(Settings(75 * S, 74 * S, 1), gaps.read(text)) == 0


def test_half_a_window_is_left_where_both_are_equal() -> None:
    even = gaps.read("uniform:1s-101s")
    assert failure_share(Settings(75 * S, 75 * S, 10), even) == pytest.approx(5 / (100 * S), rel=1e-6)
    assert failure_share(Settings(75 * S, math.inf, 10), even) == pytest.approx(10 / (100 * S), rel=1e-6)
    assert failure_share(Settings(75 * S, math.inf, 10), gaps.read("fixed:75s")) == 1


def simulated(settings: Settings, one: gaps.Gaps, connections: int = 20_000) -> float:
    """Requests to a connection, by trying."""
    rng, served = random.Random(1), 0
    for _ in range(connections):
        age, count = 0.0, 1
        while count < settings.server_requests and age <= settings.server_age_ms:
            gap = one.quantile(rng.random() or 0.5)
            if gap > min(settings.pool_idle_ms, settings.server_idle_ms):
                break
            age, count = age + gap, count + 1
        served += count
    return served / connections


@pytest.mark.parametrize("text", ["exp:3s", "uniform:1s-12s", "fixed:2s"])
@pytest.mark.parametrize(
    "limits", [{"server_requests": 5}, {"server_requests": 40}, {"server_age_ms": 60 * S}, {"server_requests": 20, "server_age_ms": 30 * S}]
)
def test_reuse_as_simulated(text: str, limits: dict[str, float]) -> None:
    settings, one = Settings(10 * S, 30 * S, 1, **limits), gaps.read(text)
    # the limit of age is taken at its mean: good to a tenth, the others to what 20,000 connections tell
    assert requests_per_connection(settings, one) == pytest.approx(simulated(settings, one), rel=0.1 if "server_age_ms" in limits else 0.03)


def test_reuse_by_hand() -> None:
    short = gaps.read("fixed:1s")
    assert reuse_rate(Settings(10 * S, 9 * S, 1, server_requests=100), short) == pytest.approx(0.99)
    assert reuse_rate(Settings(10 * S, 9 * S, 1), short) == 1
    assert reuse_rate(Settings(10 * S, 9 * S, 1), gaps.read("fixed:20s")) == 0
    assert requests_per_connection(Settings(10 * S, 9 * S, 1), gaps.read("1s,20s")) == pytest.approx(2)


@pytest.mark.parametrize(
    ("server_ms", "pool_ms"), [(75 * S, 74 * S), (5 * S, 4 * S), (200, 160), (60 * S, 59 * S), (2.5 * S, 2 * S), (3, 2)]
)
def test_the_advised_timeout_is_a_margin_below_the_servers(server_ms: float, pool_ms: float) -> None:
    better = advised(Settings(server_ms, math.inf, window_ms=0.5))
    assert better.pool_idle_ms == pool_ms and better.first == "pool" and advised(better) == better


def test_rounding_is_down() -> None:
    assert [rounded_down(ms) for ms in (74_999, 9999, 160.9, 1.9996)] == [74_000, 9900, 160, pytest.approx(1.999)]


def said(settings: Settings, text: str = "exp:30s") -> str:
    return "\n".join(words.sentences(settings, gaps.read(text)))


def test_sentences() -> None:
    wrong = said(Settings(75 * S, 90 * S, 1, server_requests=1000, server_age_ms=3600 * S))
    assert "The server closes first: after 75 s idle, while the pool would keep the connection for 90 s." in wrong
    assert "about 2.7 of a million" in wrong and "about 32,299 with one that neither watches nor looks" in wrong
    assert "Set the pool's idle timeout to 74 s or less" in wrong and "an idle timeout of 91 s or more" in wrong
    assert "after 999 requests at most" in wrong and "limit of 1 h to a connection's age" in wrong
    right = said(Settings(75 * S, 60 * S, 1))
    assert "That is as it should be." in right and "none of a million" in right and "Nothing to change" in right
    assert "only just" in said(Settings(75 * S, 74.9 * S, 1)) and "Both close" in said(Settings(75 * S, 75 * S, 1))
    never = said(Settings(75 * S, math.inf, 1))
    assert "for ever." in never and "only the server can be changed" not in never


def test_the_command_without_a_sweep() -> None:
    ran = judge("advise", "--server-idle", "75s", "--pool-idle", "90s", "--gap", "exp:30s", "--no-sweep", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["now"]["first"] == "server" and found["advised"]["pool_idle_ms"] == 74_000 and found["window_from"] == "assumed"
    assert found["now"]["failures_per_million"] > 1 > found["advised"]["failures_per_million"] and found["sweep"] is None


@pytest.mark.parametrize("pool", ["0", "1ms", "300s"])
def test_the_page_draws_whatever_the_pool_has(tmp_path: Path, pool: str) -> None:
    ran = judge("advise", "--server-idle", "75s", "--closes-over", "1s", "--pool-idle", pool, "--no-sweep", "--out", tmp_path)
    assert (ran.code, ran.err) == (0, "")
    curve = json.loads((tmp_path / "advise.json").read_text())["curve"]
    assert curve[-1]["pool_idle_ms"] == pytest.approx(1.4 * max(76_000, 300_000 if pool == "300s" else 0))
    assert (tmp_path / "advise.html").read_text().count("<svg") == 1


def test_the_command_with_a_sweep(tmp_path: Path) -> None:
    ran = judge("advise", "--server-idle", "5s", "--pool-idle", "5s", "--out", tmp_path, timeout=120)
    assert ran.code == 0, ran.err
    assert "Set the pool's idle timeout to 4 s or less" in ran.out and "race window: measured" in ran.out
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        f"advise__{name}.{kind}" for name in ("expected", "sweep") for kind in ("svg", "png")}
    assert (tmp_path / "advise.html").read_text().count("<svg") == 2 and "advise.html" in (tmp_path / "index.html").read_text()
    found = json.loads((tmp_path / "advise.json").read_text())
    by_name = {pool["name"]: pool for pool in found["sweep"]["pools"]}
    assert sum(step["failed"] for step in by_name["watched, as advised"]["steps"]) == 0  # it is closed 150 ms before
    assert sum(step["failed"] for step in by_name["not watched, no timeout of its own"]["steps"]) > 0


def test_a_machine_that_is_too_busy_says_so() -> None:
    swept = {"pools": [{"watch": True, "idle_timeout_ms": None, "window": None}]}
    with pytest.raises(HarnessError, match="too busy for a sweep"):
        windowed(Settings(75 * S, 90 * S, 1), swept, given=False)
    assert windowed(Settings(75 * S, 90 * S, 1), swept, given=True)[1] == "given"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--pool-idle", "5s"], "the following arguments are required: --server-idle"),
        (["--server-idle", "5", "--pool-idle", "5s"], '"5" is no duration'),
        (["--server-idle", "0", "--pool-idle", "5s"], '"0" is no duration'),
        (["--server-idle", "5s", "--pool-idle", "5s", "--gap", "exp"], '"exp" is no distribution'),
        (["--server-idle", "5s", "--pool-idle", "5s", "--gap", "gauss:1s"], '"gauss:1s" is no distribution'),
        (["--server-idle", "5s", "--pool-idle", "5s", "--server-requests", "0"], "0 is not more than 0"),
        (["--server-idle", "5s", "--pool-idle", "5s", "--window", "6s"], "--window 6 s is not shorter than the server's 5 s"),
    ],
)
def test_bad_input_is_told_in_a_sentence(args: list[str], sentence: str) -> None:
    ran = judge("advise", *args)
    assert ran.code == 2 and sentence in ran.err and ran.err.count("\n") == 1 and not ran.out
