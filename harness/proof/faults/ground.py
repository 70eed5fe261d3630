"""One run of a session under one fault, and what has to hold of the process that it ran in: no crash, no sanitizer's report, no
memory or descriptor left, and the process ends when it is told to."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from judge.errors import HarnessError
from judge.journal import Journal
from judge.name_server import NameServer, Record
from judge.project import Project
from proof.faults.lines import Gone, Lines, Stuck
from proof.faults.points import comes_once, is_to_be_unseen
from proof.faults.session import SESSIONS, Peer, Session

PROJECT = Project.here("san")
FAULTY = PROJECT.build / "faulty"
MAY_END = ("memory.host", "memory.json", "lib.epoll_ctl")  # the program around the pool may say so and end
REPORTS = ("Sanitizer", "runtime error:", "Assertion")
ALL = [*SESSIONS, "load"]


def build() -> None:
    """The programs whose calls can be made to fail; one build at a time."""
    PROJECT.build.mkdir(parents=True, exist_ok=True)
    with (PROJECT.root / "build" / "proof.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            ["make", "-s", "VARIANT=san", "all", "faulty"], cwd=PROJECT.root, capture_output=True, text=True, check=False
        )
    if made.returncode:
        raise HarnessError(f"the programs with faults could not be built:\n{made.stdout}{made.stderr}")


@dataclass
class Outcome:
    wrong: list[str]
    fired: int = 0
    passes: dict[str, int] = field(default_factory=dict)


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
        server = Lines([str(PROJECT.program("server")), "--control"], self.scratch / "server.log")
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
        if gave_up:  # it does not report: what it had open goes with it
            outcome.wrong.clear()
            outcome.fired = max(1, outcome.fired)
        if fault.startswith("lib.epoll_ctl"):  # libev's own, which it closes only where it could watch it
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
        if (not fault or is_to_be_unseen(fault)) and run["ok"] != 12:
            wrong.append(f"nothing had failed, and yet: {run['failed']} failed: {run['errors']}")
        return wrong

    def run(self, name: str, fault: str = "") -> Outcome:
        self.peer.server.forget()
        return self.run_load(name, fault) if name.startswith("load") else self.run_reference(name, fault)
