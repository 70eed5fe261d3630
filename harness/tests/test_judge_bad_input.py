"""Bad input: each ends with one clear sentence that names the thing, the right exit code, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from judge.child import Child
from judge.project import PYTHON
from judge_kit import ROOT, environment, judge, subject

HEALTHY = "setkeepalive/returned-is-reused"
OK, FAILED, USAGE, UNCLEAR, INTERRUPTED = 0, 1, 2, 3, 130


def relatives(mark: str) -> list[str]:
    """The command lines of all processes with this in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes() and process.name != str(os.getpid()):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it ended, or is not ours
    return found


def waits_of(program: str, mark: str) -> int:
    """How often processes with this name and mark have waited for something: a load run waits for each answer."""
    waits = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text().strip() == program and mark.encode() in (process / "environ").read_bytes():
                waits += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (process / "status").read_text(), re.M)[1])
    return waits


# Names.

@pytest.mark.parametrize(("args", "sentence"), [
    (["scenario", "idle/stray-byt"], 'no scenario is called or matches "idle/stray-byt"; did you mean "idle/stray-byte"?'),
    (["idle/stray-byt"], 'did you mean "idle/stray-byte"?'),
    (["scenario", "nothing*"], 'no scenario is called or matches "nothing*"'),
    (["scenario", "--sed", "3"], 'unrecognized arguments: --sed; did you mean "--seed"?'),
    (["scenario", "--jobs", "0"], "0 is not more than 0"),
    (["scenario", "--repeat", "x"], "invalid whole number value: 'x'"),
    (["scenario", "--subject", "referense"], 'unknown subject "referense"; did you mean "reference"?'),
    (["scenario", "--subject", "no/such.py"], 'unknown subject "no/such.py": there is no such file'),
    (["scenario", "--fail-on", "reuze<1"], 'unknown figure "reuze"; did you mean "reuse"?'),
    (["scenario", "--fail-on", "reuse=1"], "not FIGURE OP NUMBER"),
    (["lst"], 'there is no command "lst"; did you mean "list"?'),
    (["list", "scenaros"], 'did you mean "scenarios"?'),
    (["explain", "idle/stray-close"], 'did you mean "idle/stray-closes"?'),
    (["subject", "referenc"], 'did you mean "reference"?'),
    (["subject"], "which one?"),
    (["test", "test_redme.py"], 'there is no test file "test_redme.py"; did you mean "test_readme.py"?'),
    (["subject", "--check", "reference", "--timeout-scale", "0"], "0 is not more than 0"),
    (["judge", "no-such-folder"], "no-such-folder: no kept trace"),
    (["serve", "close-idel"], "close-idle"),
    (["load", "htp://127.0.0.1:1/"], "htp://127.0.0.1:1/"),
    (["help", "scenari"], 'did you mean "scenario"?'),
])
def test_unknown_names(args, sentence, tmp_path):
    ran = judge(*args)
    assert ran.code == USAGE
    assert sentence in ran.err
    assert ran.out == ""
    assert len(ran.err.strip().splitlines()) == 1 or args[0] in ("serve", "load")


def test_port_in_use(tmp_path):
    first = subprocess.Popen(
        [PYTHON, "-m", "judge", "serve", "ok"], env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    try:
        port = json.loads(first.stdout.readline())["port"]
        ran = judge("serve", "ok", "--port", port)
        assert ran.code != OK
        assert str(port) in ran.err and "in use" in ran.err.lower()
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=10)


# Subjects.

BROKEN = {
    "Crashes": "exit status 1, its log ends: segmentation of a fault | the last words",
    "Killed": "killed by SIGKILL",
    "Hangs": "does not answer command",
    "SpeaksNoJson": "prints what is no JSON object: b'Hello, world",
    "FloodsALine": "floods its standard output: a line of more than 16 MiB",
    "FloodsLines": "sends a line that answers nothing",
    "FloodsItsLog": "floods its standard error: more than 64 MiB",
    "ClosesItsOutput": "has closed its standard output",
    "AnswersTwice": "sends a line that answers nothing",
    "EndsBadly": "did not end well: exit status 7",
    "NeverEnds": "does not end within 2500 ms of quit",
    "Silent": "does not say who it is",
    "SpeaksAnotherProtocol": "does not speak subject/1",
    "LeavesAChild": "its log ends: leaving",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_subject_fails(name, tmp_path):
    """... with its exit status and the end of its log, and with nothing left behind."""
    mark = f"POOLSPEC_MARK={name}{os.getpid()}"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    patience = {"FloodsItsLog": 10, "FloodsALine": 4, "Silent": 0.2, "Hangs": 0.5, "NeverEnds": 0.5}.get(name, 1)  # short: waited out
    key, value = mark.split("=")
    ran = judge(
        "scenario", HEALTHY, "--subject", subject(tmp_path, "broken", name), "--timeout-scale", patience, out=tmp_path / "out",
        TMPDIR=str(scratch), **{key: value},
    )
    assert ran.code == FAILED, ran.err
    found = {one["verdict"] for one in ran.results["results"]}
    assert found == {"fail"}
    for one in ran.results["results"]:
        assert BROKEN[name] in one["seen"] and name in one["seen"]
    assert BROKEN[name] in ran.out
    assert not list(scratch.iterdir())
    assert not relatives(mark)


@pytest.mark.parametrize(("argv", "bytes_", "trouble"), [
    (["sleep", "1000"], 1_000_000, "does not read its standard input"), (["sleep", "1000"], 1_000, None),
    (["sh", "-c", "exec <&-; echo '{}'; exec sleep 1000"], 1_000, "has closed its standard input"),
])
def test_a_child_that_takes_no_line(argv, bytes_, trouble, tmp_path):
    said = threading.Event()
    child = Child(argv, tmp_path / "log", lambda line, t: said.set(), lambda: None)
    try:
        assert argv[0] == "sleep" or said.wait(20)
        child.send({"data": "." * bytes_}, 0.1)
        assert child.trouble == trouble
    finally:
        child.kill()
        child.finish(5)


def test_adapter_that_cannot_be_started(tmp_path):
    program = tmp_path / "adapter"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    ran = judge("scenario", HEALTHY, "--subject", program, out=tmp_path / "out")
    assert ran.code == FAILED
    assert "cannot be started: No such file or directory" in ran.results["results"][0]["seen"]


def test_killed_server_is_our_error(tmp_path):
    ran = judge("scenario", HEALTHY, "--subject", subject(tmp_path, "broken", "KillsTheServer"), out=tmp_path / "out")
    assert ran.code == UNCLEAR
    assert {one["verdict"] for one in ran.results["results"]} == {"error"}
    assert "the server ended" in ran.out and "killed by SIGKILL" in ran.out


def test_killed_worker_is_told(tmp_path):
    """Of the judge's own, with --jobs: what the others found is kept, and no temporary folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    ran = judge("scenario", HEALTHY, "http/persists", "--subject", f"{subject(tmp_path, 'broken', 'KillsTheJudge')},reference",
                "--jobs", 2, out=tmp_path / "out", TMPDIR=str(scratch))
    assert ran.code == UNCLEAR, ran.out
    assert not list(scratch.iterdir())
    assert "could not be run" in ran.out and HEALTHY in ran.out
    assert any(one["subject"] == "reference" and one["verdict"] == "pass" for one in ran.results["results"])


# Disks.

def test_full_disk_for_one_file(tmp_path):
    ran = judge("scenario", HEALTHY, "--json", "/dev/full", out=tmp_path / "out")
    assert ran.code == UNCLEAR
    assert "/dev/full: cannot be written: No space left on device" in ran.err
    assert ran.results["counts"]["pass"] > 0, "the rest is kept"


def test_full_standard_output(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [PYTHON, "-m", "judge", "list", "clauses"], cwd=ROOT, env=environment(), stdout=full, stderr=subprocess.PIPE,
            text=True, check=False,
        )
    assert done.returncode == UNCLEAR
    assert done.stderr.strip() == "poolspec: No space left on device"


CAN_MOUNT = subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a mount namespace of its own")
def test_full_disk_for_everything(tmp_path):
    run = f"{PYTHON} -m judge scenario {HEALTHY} idle/fin --out {tmp_path}/out"
    script = f"mount -t tmpfs -o size=16k none {tmp_path} && exec {run}"
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60,
        check=False,
    )
    assert done.returncode == UNCLEAR, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert HEALTHY in done.stdout


# Ctrl-C.

def test_interrupted_load_run(tmp_path):
    """The load generator is told to stop; what it had measured lies in its folder."""
    out, mark = tmp_path / "out", f"LOAD{os.getpid()}"
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "load.toml").write_text(LONG_LOAD)
    process = subprocess.Popen(
        [PYTHON, "-m", "judge", "scenario", str(tmp_path / "long" / "load.toml"), "--out", str(out)], cwd=ROOT,
        env=environment(POOLSPEC_MARK=mark), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while waits_of("load", mark) < 100:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED, errors
    assert not relatives(mark)
    run = json.loads((out / "load" / "long_load__reference__1" / "run.json").read_text())
    assert run["interrupted"] and run["requests"] > 0


def terminate(args, folder, begun):
    """Sends SIGTERM once `begun` is in the folder, the run's for what is temporary. As behind a script's `&`, Ctrl-C is ignored."""
    mark = f"TERMINATED{args[0]}{os.getpid()}"
    argv = ["sh", "-c", "trap '' INT && exec \"$@\"", "sh", PYTHON, "-m", "judge", *args]
    process = subprocess.Popen(
        argv, cwd=ROOT, env=environment(TMPDIR=str(folder), POOLSPEC_MARK=mark), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )
    while not list(folder.glob(begun)):  # pytest-timeout is the bound
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, said + errors
    assert "Traceback" not in errors + said
    assert not relatives(f"POOLSPEC_MARK={mark}")


@pytest.mark.parametrize("args", [
    ["mutants", "no-idle-watch"], ["subject", "--check", "reference"], ["faults", "--session", "exchange", "--full"],
], ids=lambda args: args[0])  # fmt: skip
def test_terminated_in_the_middle(args, tmp_path):
    """Whatever the command, SIGTERM is Ctrl-C: exit 130, no process and no temporary folder left."""
    terminate(args, tmp_path, "poolspec-*/*")
    assert not list(tmp_path.iterdir())


def test_terminated_tests(tmp_path):
    terminate(["test", "test_judge_fakes.py", "--jobs", "2"], tmp_path, "pytest-of-*/*/*/*")


def test_no_test_is_a_usage_error(tmp_path):
    assert judge("test", "test_readme.py", "-k", "no_such_test", "--jobs", 1).code == USAGE


LONG_LOAD = """
summary = "much, for a long time"
expect = "Somebody loses patience."
load = { users = 1, duration_s = 60, think_ms = 1 }
check = [{ clause = "load/reuse-as-predicted", checker = "load_figures", expect = { failed = 0 } }]
"""
LONG = """
summary = "nothing, for a long time"
expect = "Somebody loses patience."
step = [{ exchange = "a" }, { pass_ms = 60000 }]
check = [{ clause = "setkeepalive/immediate", checker = "accepted", count = 1 }]
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_in_the_middle(jobs, sign, tmp_path):
    """Exit 130, no process and no temporary folder left, and what had been measured kept."""
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "wait.toml").write_text(LONG)
    mark = f"MIDDLE{jobs}{sign}{os.getpid()}"
    long = tmp_path / "long" / "wait.toml"
    argv = [PYTHON, "-m", "judge", "scenario", HEALTHY, "http/persists", long, "--jobs", jobs, "--out", out]
    process = subprocess.Popen(
        list(map(str, argv)), cwd=ROOT, env=environment(TMPDIR=str(scratch), POOLSPEC_MARK=mark), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )
    waiting = out / "logs" / "long_wait__reference__1.subject.log"
    deadline = time.monotonic() + 30
    while not (waiting.exists() and len(list((out / "traces").iterdir())) >= 2):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    if sign == signal.SIGINT:
        os.killpg(process.pid, sign)  # as a terminal does it: to all
    else:
        process.send_signal(sign)
    said, errors = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED, errors
    assert "Traceback" not in errors + said
    assert not relatives(f"POOLSPEC_MARK={mark}")
    assert not list(scratch.iterdir())
    results = json.loads((out / "results.json").read_text())
    assert results["interrupted"] and results["exit"] == INTERRUPTED
    assert {one["scenario"] for one in results["results"]} == {HEALTHY, "http/persists"}
    assert "interrupted" in said
    kept = (out / "traces" / "long_wait__reference__1.jsonl").read_text()
    assert '"begin"' in kept, "the trace of the one that was cut short is there, too"
