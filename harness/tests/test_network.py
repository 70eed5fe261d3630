"""Networks of a scenario's own: what the wire shows, where they are not allowed, and that nothing is left of them."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from judge.network.wire import ACK, FIN, PSH, RST, SYN, Segment, Watcher, read_segment, read_unreachable
from judge.project import PYTHON
from judge_kit import environment
from processes import descendants, name_of

CLIENT, SERVER = "10.0.0.2", "10.0.0.1"
OUT, IN = (4000, 80), (80, 4000)
SCENARIO = [PYTHON, "-m", "judge", "scenario", "--color", "never", "--out"]


def events(*segments: Segment) -> list[tuple[str, str]]:
    watcher = Watcher(CLIENT)
    return [(found["ev"], found["side"]) for segment in segments for found in watcher.events(segment)]


def sent(seq: int, flags: int = ACK, length: int = 0) -> Segment:
    return Segment(CLIENT, OUT, seq, flags, length)


def answered(seq: int, flags: int = ACK, length: int = 0) -> Segment:
    return Segment(SERVER, IN, seq, flags, length)


HANDSHAKE = (sent(99, SYN), answered(499, SYN | ACK), sent(100))


def test_what_carries_bytes_is_no_event() -> None:
    assert events(*HANDSHAKE, sent(100, PSH | ACK, 50), answered(500, ACK), answered(500, PSH | ACK, 9), sent(150)) == []


def test_a_probe_and_its_answer() -> None:
    assert events(*HANDSHAKE, sent(99), answered(500), answered(500)) == [("probe", "client"), ("probe_answered", "server")]
    assert events(*HANDSHAKE, sent(99), sent(99), answered(500, RST)) == [("probe", "client"), ("probe", "client"), ("reset", "server")]


def test_bytes_for_the_second_time() -> None:
    assert events(*HANDSHAKE, sent(100, PSH | ACK, 50), sent(100, PSH | ACK, 50)) == [("retransmitted", "client")]
    assert events(sent(99, SYN), sent(99, SYN)) == [("retransmitted", "client")]


def test_an_end_is_no_probe() -> None:
    assert events(*HANDSHAKE, sent(100, FIN | ACK), sent(100, FIN | ACK), sent(101)) == [("fin", "client")]


def test_sequence_numbers_go_round() -> None:
    top = 2**32
    assert events(sent(top - 2, SYN), sent(top - 1, ACK, 4), sent(3, ACK, 1), sent(3)) == [("probe", "client")]


def test_a_segment_is_read_from_its_packet() -> None:
    tcp = struct.pack("!HHIIBBHHH", 4000, 80, 7, 0, 5 << 4, PSH | ACK, 0, 0, 0) + b"data"
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1]))
    assert read_segment(ip + tcp + b"padding") == Segment(CLIENT, OUT, 7, PSH | ACK, 4)
    assert read_segment(ip[:9] + b"\x11" + ip[10:] + tcp) is None


def test_what_icmp_says_is_read_from_its_packet() -> None:
    client, server = bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1])
    ours = struct.pack("!BBHHHBBH4s4sHHI", 0x45, 0, 40, 0, 0, 64, 6, 0, client, server, 4000, 80, 7)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 56, 0, 0, 64, 1, 0, server, client)
    told = ip + struct.pack("!BBHI", 3, 1, 0, 0) + ours
    assert list(Watcher(CLIENT).seen(told)) == [{"ev": "unreachable", "side": "server", "port": 4000, "code": 1}]
    assert list(Watcher(CLIENT).seen(ip + struct.pack("!BBHI", 8, 0, 0, 0) + ours)) == [], "an echo request"
    assert read_unreachable(told[:30]) is None


def test_where_namespaces_are_not_allowed_the_reason_is_told(tmp_path: Path) -> None:
    """In a user namespace that may hold no network namespace."""
    inside = 'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"'
    ran = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", inside, "sh", *SCENARIO, tmp_path / "out", "tcp/defaults", "idle/fin"],
        env=environment(), capture_output=True, text=True, check=False,
    )
    if "unshare" in ran.stderr and not (tmp_path / "out").exists():
        pytest.skip(ran.stderr.strip())
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    told = {result["seen"] for result in results if result["scenario"] == "tcp/defaults"}
    assert {result["verdict"] for result in results if result["scenario"] == "tcp/defaults"} == {"skipped"}
    assert all("no network namespace of our own" in text for text in told), told
    assert ran.returncode == 0, ran.stdout


def namespaces(pids: list[int]) -> set[str]:
    found = set()
    for pid in pids:
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
@pytest.mark.parametrize(("scenario", "server"), [("tcp/silent-peer-unnoticed", "server"), ("tcp/not-http-activity", "nginx")])
def test_nothing_is_left_of_a_run_that_is_ended(scenario: str, server: str, how: signal.Signals, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"  # what SIGKILL leaves is there, and not where the system has its temporary folders
    scratch.mkdir()
    running = subprocess.Popen(
        [*SCENARIO, tmp_path / "out", scenario], env=environment(TMPDIR=str(scratch)), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, process_group=0,
    )
    own, children, deadline = os.readlink("/proc/self/ns/net"), [], time.monotonic() + 60
    while running.poll() is None and time.monotonic() < deadline:
        children = descendants(running.pid)
        if server in map(name_of, children) and len(namespaces(children) - {own}) >= 2:
            break
        time.sleep(0.05)
    if running.poll() is not None:
        results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
        reasons = [one["seen"] for one in results if one["scenario"] == scenario and one["verdict"] == "skipped"]
        assert reasons, results
        pytest.skip(reasons[0])
    assert len(namespaces(children) - {own}) >= 2
    running.send_signal(how)
    running.wait(20)
    deadline = time.monotonic() + 20
    while (left := [pid for pid in children if name_of(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    assert how == signal.SIGKILL or not list(scratch.iterdir())
