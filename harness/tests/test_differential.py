"""Real nginx and real Tomcat, and the behaviours that imitate them, played the same connections."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from judge.differential import sides
from judge.differential.run import Outcome, run, select
from judge.differential.script import Case
from judge.differential.show import difference_text
from judge.project import PYTHON, Project
from judge_kit import environment
from processes import processes_about

PROJECT = Project.here("san")
UNCLEAR_SHARE = 0.1
LIFE = {  # one case of each kind: the server is told, and others count
    "nginx": ["life/reload-closes-an-idle-one", "life/crowded-the-longest-idle-goes"],
    "tomcat": ["life/shutdown-cuts-what-takes-too-long", "life/full-the-one-too-many-waits-for-one-to-idle-out"],
}


@pytest.mark.parametrize("kind", sides.kinds())
def test_a_real_server_does_not_differ_from_itself(kind: str) -> None:
    """So what differs elsewhere is no noise of the player's."""
    played = run(PROJECT, kind, select(kind, ["limit/*", *LIFE[kind]], 1, 0, False), mock_kind="real")
    assert not played.troubled and len(played.outcomes) > 10


@pytest.mark.parametrize("kind", sides.kinds())
def test_another_server_does_differ(kind: str) -> None:
    """The correct server knows no timeout and no orders, and counts neither requests nor connections."""
    played = run(PROJECT, kind, select(kind, ["idle/closed-*", "limit/third-*", *LIFE[kind]], 1, 0, False), mock_kind="ok")
    assert "limit/third-of-three-says-close" in {one.case.name for one in played.outcomes}
    assert all(one.unexplained for one in played.outcomes)


@pytest.mark.parametrize("kind", sides.kinds())
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(kind: str, number: signal.Signals, tmp_path: Path) -> None:
    argv = [PYTHON, "-m", "judge", "differential", kind, "idle/*", "--against", "ok", "--variant", "san"]
    with subprocess.Popen(argv, env=environment(TMPDIR=str(tmp_path)), stdout=subprocess.DEVNULL, process_group=0) as process:
        while not list(tmp_path.glob("*/plain/*")):  # a server is being started; pytest-timeout is the bound
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, number)
        assert process.wait() == 130
    assert not list(tmp_path.iterdir())
    while processes_about(str(tmp_path)):
        time.sleep(0.01)  # one that was just being started ends by itself, with us; pytest-timeout is the bound


def tell(kind: str, seed: int, outcome: Outcome) -> str:
    again = f"./run.sh differential {kind} {outcome.case.name} --seed {seed}"
    return difference_text(kind, outcome.case, outcome.real, outcome.mock, outcome.unexplained, again)


def imitates(kind: str, seed: int, cases: list[Case]) -> None:
    """Without an unexplained difference, and with every one that is listed. On a busy machine a few cannot be judged."""
    played = run(PROJECT, kind, cases)
    known = sum(bool(one.differences) for one in played.outcomes) - len(played.troubled) - len(played.unclear)
    print(f"{len(played.outcomes)} cases, {len(played.troubled)} differ, {known} as listed, {len(played.unclear)} inconclusive")
    assert not played.problems
    assert not played.troubled, "\n\n".join(tell(kind, seed, one) for one in played.troubled)
    assert len(played.outcomes) == len(cases)
    assert len(played.unclear) <= UNCLEAR_SHARE * len(cases), [f"{one.case.name}: {one.late_ms:.0f} ms late" for one in played.unclear]


@pytest.mark.parametrize("kind", sides.kinds())
def test_the_behaviour_imitates_the_real_server(kind: str) -> None:
    imitates(kind, 1, select(kind, [], 1, 40, False))


@pytest.mark.full
@pytest.mark.parametrize("kind", sides.kinds())
def test_the_behaviour_imitates_the_real_server_at_random(kind: str) -> None:
    imitates(kind, 2, select(kind, [], 2, 500, True))
