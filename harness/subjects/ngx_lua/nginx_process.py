"""One nginx with ngx_lua: started in a temporary folder on a loopback port, and gone afterwards.

Each worker process is reached by a channel of its own: it connects to a unix socket in the folder for its commands, and writes its
replies to a named pipe. What makes it do so is a request for the phase in which its cosockets are to live; the kernel spreads such
requests over the workers, so they are sent until each worker has come."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BINARY = "/usr/sbin/nginx"
PACKAGES = ("nginx", "libnginx-mod-http-lua", "lua-cjson")
HERE = Path(__file__).resolve().parent
START_S = 10.0
STOP_S = 2.0
DESCRIPTORS = 16384
# What nginx says last, without process, thread and place; and what it says because its folder is gone.
EMERGENCY = re.compile(r"\[emerg\] (?:\d+#\d+: )?(.*?)(?: in \S+:\d+)?$")
NO_PID_FILE = re.compile(r'unlink\(\) ".*/nginx\.pid" failed')


class NginxError(Exception):
    """What kept nginx from running, in its own words where it had some."""


@dataclass(frozen=True)
class Settings:
    workers: int = 1
    phase: str = "content"
    directives: tuple[str, ...] = ()  # of the http block


@dataclass(frozen=True)
class Worker:
    """The adapter's ends of the channel of one worker process."""

    pid: int
    phase: str  # in which it says it is
    commands: socket.socket
    replies: threading.Thread


def versions() -> str:
    """Of what is judged here."""
    form = "${db:Status-Status} ${Package} ${Version}\n"
    try:
        listed = subprocess.run(["dpkg-query", "-W", "-f", form, *PACKAGES], capture_output=True, text=True, check=False).stdout
    except OSError:
        listed = ""
    rows = [line.split() for line in listed.splitlines()]
    found = {row[1]: row[2].rpartition(":")[2] for row in rows if row[0] == "installed"}
    missing = [name for name in PACKAGES if name not in found]
    if missing:
        raise NginxError(f"these Debian packages are missing: {', '.join(missing)}")
    return f"nginx {found['nginx']}, ngx_lua {found['libnginx-mod-http-lua']}"


class NginxLua:
    """`on_reply` is called with the number of a worker and each line that it wrote, `on_gone` when a worker process has ended; both
    by a thread of that worker's."""

    def __init__(self, settings: Settings, on_reply: Callable[[int, bytes], None], on_gone: Callable[[int], None]) -> None:
        self.settings, self.on_reply, self.on_gone = settings, on_reply, on_gone
        self.workers: dict[int, Worker] = {}
        self.requests: list[socket.socket] = []  # they stay open as long as the workers serve in them
        self.last_words: deque[str] = deque(maxlen=5)
        self.cleanup = contextlib.ExitStack()

    def __enter__(self) -> NginxLua:
        # Once the workers have come nobody needs the folder, so that nothing of it is left even where we are killed.
        with tempfile.TemporaryDirectory(prefix="poolspec-ngx-lua-") as name, self.cleanup:
            folder = Path(name)
            port = self._reserve_port()
            control = self._listen(folder / "control.sock")
            pipes = [self._make_pipe(folder / f"replies.{number}") for number in range(self.settings.workers)]
            (folder / "nginx.conf").write_text(self._configuration(folder, port), encoding="utf-8")
            self._run(folder)
            self._summon_workers(port, control, pipes)
            self.cleanup = self.cleanup.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cleanup.close()

    def send(self, worker: int, line: bytes) -> None:
        with contextlib.suppress(OSError):  # a worker that is gone: `on_gone` tells
            self.workers[worker].commands.sendall(line)

    # Starting.

    def _reserve_port(self) -> int:
        """Bound, but not listening: nginx may share it, and the kernel gives it to nobody else."""
        taken = self.cleanup.enter_context(socket.socket())
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]

    def _listen(self, path: Path) -> socket.socket:
        control = self.cleanup.enter_context(socket.socket(socket.AF_UNIX))
        control.bind(str(path))
        control.listen(self.settings.workers)
        return control

    def _make_pipe(self, path: Path) -> int:
        os.mkfifo(path)
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # before the worker opens its end, which would wait for us

    def _configuration(self, folder: Path, port: int) -> str:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        values = {
            "folder": str(folder),
            "code": str(HERE),
            "address": f"127.0.0.1:{port}",
            "workers": str(self.settings.workers),
            "directives": "\n".join(f"    {directive};" for directive in self.settings.directives),
            "descriptors": str(DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)),
            # Otherwise root's nginx gives its workers to a user who may not enter the folders of sockets and code.
            "user": f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else "",
        }
        text = (HERE / "nginx.conf.in").read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        return text

    def _run(self, folder: Path) -> None:
        # The kernel ends nginx with us, also where we are killed. `-e`: until the configuration is read.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", BINARY, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        self.log = threading.Thread(target=self._log, daemon=True)
        self.log.start()
        self.cleanup.callback(self._stop)

    def _summon_workers(self, port: int, control: socket.socket, pipes: list[int]) -> None:
        deadline = time.monotonic() + START_S
        while len(self.workers) < self.settings.workers:
            if self.process.poll() is not None:
                self.log.join(1)
                raise NginxError(self._why())
            if time.monotonic() > deadline:
                raise NginxError(f"nginx's workers did not all start within {START_S:g} s")
            try:
                request = socket.create_connection(("127.0.0.1", port), timeout=START_S)
            except ConnectionRefusedError:  # it does not listen yet
                time.sleep(0.005)
                continue
            self.requests.append(self.cleanup.enter_context(request))
            request.sendall(f"GET /{self.settings.phase} HTTP/1.0\r\n\r\n".encode())
            # Answered: the worker has come before, or serves in a timer. Not answered: it comes to the control socket.
            ready = select.select([control, request], [], [], START_S)[0]
            if control in ready:
                self._meet(control.accept()[0], pipes)

    def _meet(self, commands: socket.socket, pipes: list[int]) -> None:
        self.cleanup.enter_context(commands)
        with commands.makefile("r", encoding="ascii") as hello:
            word, pid, phase = hello.readline().split()
        number = int(word)
        os.set_blocking(pipes[number], True)
        reader = threading.Thread(target=self._read_replies, args=(number, pipes[number]), daemon=True)
        self.workers[number] = Worker(int(pid), phase, commands, reader)
        reader.start()

    def _why(self) -> str:
        said = [found[1] for line in self.last_words if (found := EMERGENCY.search(line))]
        return said[-1] if said else f"nginx ended at once, with status {self.process.returncode}"

    # Running.

    def _read_replies(self, number: int, pipe: int) -> None:
        with open(pipe, "rb") as replies:
            for line in replies:
                self.on_reply(number, line)
        self.on_gone(number)

    def _log(self) -> None:
        assert self.process.stderr
        with self.process.stderr as log:
            for line in log:
                words = line.decode(errors="replace").rstrip()
                if not NO_PID_FILE.search(words):
                    self.last_words.append(words)
                    print(words, file=sys.stderr, flush=True)

    # Ending.

    def _stop(self) -> None:
        """Nothing of it is left, whatever state it was in."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:  # a worker that is held up, or stopped
            self.process.kill()
            self.process.wait()
            for worker in self.workers.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
        for thread in (self.log, *(worker.replies for worker in self.workers.values())):
            thread.join(1)
