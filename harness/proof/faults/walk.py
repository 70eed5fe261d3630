"""Walks every place at which something below the reference or the load generator can fail.

    python3 -m proof.faults.walk                   a sample: each place once, the error varies from place to place
    python3 -m proof.faults.walk --full            each place with each error
    python3 -m proof.faults.walk --session queue --fault memory.pool:7+     one point, as a failure names it

First each session runs without a fault and is counted; then once for each point. What must hold is in session.py; beyond that no
crash, no sanitizer's report, no memory or descriptor left, and the process ends when it is told to."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from judge.journal import Journal
from judge.name_server import NameServer, Record
from judge.project import Project
from proof.faults.lines import Gone, Lines, Stuck
from proof.faults.session import SESSIONS, Peer, Session

ROOT = Project.here().root
FAULTY = ROOT / "build" / "san" / "faulty"
SERVER = ROOT / "build" / "san" / "server"

ERRORS = {  # what each call may plausibly say
    "socket": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EACCES", "EAFNOSUPPORT"],
    "connect": ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "EADDRNOTAVAIL", "EACCES", "EAGAIN", "EINTR"],
    "recv": ["ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOMEM", "EINTR", "EAGAIN", "eof"],
    "send": ["EPIPE", "ECONNRESET", "ENOBUFS", "ENOMEM", "ETIMEDOUT", "EINTR", "EAGAIN"],
    "setsockopt": ["ENOBUFS", "ENOMEM", "EINVAL"],
    "getsockopt": ["ENOBUFS", "ENOMEM"],
    "getsockname": ["ENOBUFS", "ENOMEM"],
    "close": ["EINTR", "EIO"],
    "shutdown": ["ENOTCONN"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "epoll_wait": ["EINTR"],
    "read": ["EINTR", "EAGAIN"],
    "write": ["EINTR", "EAGAIN"],
}
PASSING = {"EINTR", "EAGAIN"}  # whoever tries again gets on: never from then on
MEMORY = ["memory.pool", "memory.host", "memory.json", "memory.names"]
TRY_AGAIN = ",".join(f"{site}:*:EINTR" for site in ("recv", "send", "read", "write", "epoll_wait", "close"))
EVERYWHERE = [TRY_AGAIN, "recv:1+:short", "send:1+:short", "read:1+:short,write:1+:short",
              "recv:1+:short,send:1+:short,read:1+:short,write:1+:short"]
DESCRIPTORS = [f"nofile:{n}" for n in range(3, 14)]
MAY_END = ("memory.host", "memory.json")  # the program around the pool may say so and end
NOT_FOR = {  # what a fault begins with, and the sessions that it says nothing about
    "nofile": ["load"],  # it raises the limit
    "read:1+:short": ["load", "timeouts"],  # reads a timer only; has millions of bytes to read
    "recv:1+:short,send:1+:short,read": ["load", "timeouts"],
    "epoll_ctl": ["workers"],  # between the processes, which is not the pool
}
REPORTS = ("Sanitizer", "runtime error:", "Assertion")


@dataclass
class Outcome:
    wrong: list[str]
    fired: int = 0
    passes: dict[str, int] = field(default_factory=dict)


def comes_once(fault: str) -> bool:
    return ":" in fault and "+" not in fault and "*" not in fault and not fault.startswith("nofile")


def read_reports(prefix: Path) -> tuple[Outcome, int]:
    outcome, count = Outcome([]), 0
    for path in prefix.parent.glob(prefix.name + ".*"):
        text = path.read_text()
        path.unlink()
        if not text:
            continue
        told = json.loads(text)
        count += 1
        outcome.fired += told["fired"]
        for site, passes in told["passes"].items():
            outcome.passes[site] = max(outcome.passes.get(site, 0), passes)
        if left := told["left_open"][1:]:
            outcome.wrong.append(f"descriptors left open: {left}")
    return outcome, count


class Ground:
    """The peers, started once; `faulty` is the folder of the programs that are walked."""

    def __init__(self, stack: ExitStack, faulty: Path = FAULTY) -> None:
        self.faulty = faulty
        self.scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poolspec-faults-")))
        server = Lines([str(SERVER), "--control"], self.scratch / "server.log")
        stack.callback(server.end)
        records = {"here.test": Record(("127.0.0.1",)), "silent.test": Record(word="no answer")}
        names = stack.enter_context(NameServer(records, Journal()))
        self.peer = Peer(server, str(self.scratch / "u"), names)
        self.report = self.scratch / "report"
        self.log = self.scratch / "log"

    def environment(self, fault: str) -> dict[str, str]:
        return {"POOLSPEC_FAULT": fault, "POOLSPEC_FAULT_REPORT": str(self.report)}

    def judge_end(self, wrong: list[str], status: int, fault: str, ended_early: str) -> Outcome:
        said = self.log.read_text(errors="replace")
        outcome, reports = read_reports(self.report)
        gave_up = bool(ended_early and fault.startswith(MAY_END) and status > 0 and said.strip())
        if gave_up:
            outcome.wrong.clear()  # what it had open goes with it
        if fault.startswith("epoll_ctl"):  # libev's own, which it closes only where it could watch it
            outcome.wrong = [sentence for sentence in outcome.wrong if "[eventfd]" not in sentence]
        outcome.wrong[:0] = wrong
        if any(word in said for word in REPORTS):
            outcome.wrong.append(f"it reported: {said.strip()[:1500]}")
        elif status < 0:
            outcome.wrong.append(f"it was ended by signal {-status}: {said.strip()[-300:]}")
        elif ended_early and not gave_up:
            outcome.wrong.append(f"it ended by itself ({ended_early}, status {status}): {said.strip()[-300:]}")
        elif status and not ended_early:
            outcome.wrong.append(f"it ended with status {status}: {said.strip()[-300:]}")
        elif not reports and not gave_up:
            outcome.wrong.append("it ended without a report")
        return outcome

    def run_reference(self, name: str, fault: str = "") -> Outcome:
        subject = Lines([str(self.faulty / "reference")], self.log, self.environment(fault))
        session = Session(subject, self.peer, fault)
        ended_early = ""
        try:
            subject.wait(lambda line: "protocol" in line, "its first line", 5)
            SESSIONS[name](session)
            session.finish(recovers=name != "stop" and (comes_once(fault) or not fault))
            session.do("quit")
        except Gone as gone:
            ended_early = str(gone)
        except Stuck as stuck:
            session.wrong.append(f"stuck: {stuck} did not come")
        try:
            status = subject.end()
        except Stuck as stuck:
            session.wrong.append(f"stuck: {stuck} did not come")
            status = 0
        return self.judge_end(session.wrong, status, fault, ended_early)

    def run_load(self, name: str, fault: str = "") -> Outcome:
        port = self.peer.ok if name == "load" else 1
        out = self.scratch / "run.json"
        out.unlink(missing_ok=True)
        command = [str(self.faulty / "load"), f"http://127.0.0.1:{port}/", "-n", "12", "-c", "3", "-t", "1", "--pool-size", "2",
                   "--timeout", "1s", "--seed", "1", "--quiet", "--json", str(out)]
        wrong: list[str] = []
        with self.log.open("w") as log:
            environment = {**os.environ, **self.environment(fault)}
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=environment)
        try:
            status = process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return Outcome(["stuck: load did not end"])
        if status == 0:
            wrong = self.judge_figures(json.loads(out.read_text()), fault)
        elif status > 0 and self.log.read_text().strip():
            return self.judge_end(wrong, 0, fault, "")  # it says what failed, and so does its status
        return self.judge_end(wrong, status, fault, "")

    @staticmethod
    def judge_figures(run: dict, fault: str) -> list[str]:
        wrong = []
        if lacking := {"requests", "ok", "failed", "unfinished", "wrong_caller", "errors"} - run.keys():
            return [f"its figures lack {sorted(lacking)}"]
        if run["requests"] != 12 or run["ok"] + run["failed"] + run["unfinished"] != 12:
            wrong.append(f"of 12 requests {run['ok']} went well, {run['failed']} failed, {run['unfinished']} were unfinished")
        if run["wrong_caller"]:
            wrong.append(f"{run['wrong_caller']} responses reached the wrong caller")
        if not fault and run["ok"] != 12:
            wrong.append(f"without a fault: {run['failed']} failed: {run['errors']}")
        return wrong

    def run(self, name: str, fault: str = "") -> Outcome:
        return self.run_load(name, fault) if name.startswith("load") else self.run_reference(name, fault)


ALL = [*SESSIONS, "load"]


def points(passes: dict[str, int], full: bool) -> Iterator[str]:
    """Where a session can be made to fail, after a run that counted."""
    for site in MEMORY:
        step = 1 if full or site == "memory.pool" else max(1, passes[site] // 12)
        for n in range(1, passes[site] + 1, step):
            yield f"{site}:{n}"
            if full or n % 3 == 1:
                yield f"{site}:{n}+"
    for site, errors in ERRORS.items():
        first = 2 if site == "epoll_ctl" else 1  # the first is the program's own input, which it cannot live without
        for n in range(first, passes[site] + 1, 1 if full else max(1, passes[site] // 16)):
            for error in errors if full else [errors[n % len(errors)]]:
                yield f"{site}:{n}:{error}"
                if error not in PASSING and (full or n == first) and site not in ("read", "write"):
                    yield f"{site}:{n}+:{error}"
    yield from EVERYWHERE
    yield from DESCRIPTORS


def walk(ground: Ground, name: str, full: bool) -> Iterator[tuple[str, Outcome]]:
    clean = ground.run(name)
    yield "", clean
    if not clean.wrong:
        for fault in points(clean.passes, full):
            if not any(name in names and fault.startswith(part) for part, names in NOT_FOR.items()):
                yield fault, ground.run(name, fault)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m proof.faults.walk", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--session", choices=ALL)
    parser.add_argument("--fault", help="one point only, as in inject.h")
    parser.add_argument("--full", action="store_true", help="each place with each error")
    args = parser.parse_args(arguments)
    count = failed = 0
    with ExitStack() as stack:
        ground = Ground(stack)
        for name in [args.session] if args.session else ALL:
            for fault, outcome in [(args.fault, ground.run(name, args.fault))] if args.fault else walk(ground, name, args.full):
                count += 1
                if outcome.wrong:
                    failed += 1
                    print(f"--session {name} --fault {fault}: " + "; ".join(outcome.wrong), flush=True)
            print(f"{name}: {count} runs so far, {failed} went wrong", file=sys.stderr)
    print(f"faults from below: {count} runs, {failed} went wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
