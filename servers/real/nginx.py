"""A real nginx (Debian's package) for one run: on a loopback port, in a folder of its own, never as a service.

    nginx.py --dir FOLDER --keepalive-requests=100 --keepalive-timeout=1s

Each option but --dir and --host is a directive of the http block; with more- in front it is one of the location /more. Prints one
JSON line, {"ok":true,"address":"127.0.0.1:PORT"} or {"ok":false,"err":"..."}, and ends with its nginx when its standard input ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

if __name__ == "__main__":  # run as a file, it finds its neighbours all the same
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from servers.real._process import LOOPBACK, START_SECONDS, RealServer, RealServerError, serve_until_end_of_input
from servers.real._upstream import Upstream

BINARY = "/usr/sbin/nginx"
ABOVE_HTTP = {"master_process": "main", "worker_processes": "main", "worker_shutdown_timeout": "main", "worker_connections": "events"}
SIGNALS = {"reload": signal.SIGHUP, "quit": signal.SIGQUIT, "stop": signal.SIGTERM}
GRACEFULLY = b": gracefully shutting down"  # a worker's words, when it does
BIG_BYTES = (1000, 100_000, 1_000_000, 20_000_000)
STATUSES = (
    200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415,
    416, 418, 421, 422, 429, 431, 444, 500, 501, 502, 503, 504, 505, 507, 599,
)  # fmt: skip

CONFIGURATION = """\
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log notice;
worker_rlimit_nofile 16384;
{main}events {{
{events}}}
http {{
    log_format wire '$connection $connection_requests $status $request_uri';
    access_log {directory}/access.log wire;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    default_type text/plain;
{http}    server {{
        listen {address};
        location / {{ {ok} }}
        location /close {{ keepalive_timeout 0; {ok} }}
        location /more {{ {more}{ok} }}
        location ~ ^/big/([0-9]+) {{ alias {directory}/big/$1; error_page 405 =200 $uri; }}
        location ~ ^/(slow|unknown-length|read-body)\\b {{ proxy_set_header X-Who "c$connection r$connection_requests"; {proxy} }}
        location /upgrade {{
            proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; {proxy}
        }}
{statuses}    }}
}}
"""
SAME_USER = {"user": "root"} if os.geteuid() == 0 else {}  # a worker of another user's could not read our folder
OK = 'return 200 "c$connection r$connection_requests $request_uri\\n";'


class Nginx(RealServer):
    """Answers what servers/real/README.md lists. `directives` go into the http block as they are, e.g. {"keepalive_requests": 100,
    "keepalive_timeout": "1s"}, those that begin with more_ into the location /more. Use in `with`."""

    NAME = "nginx"
    ORDERS = tuple(SIGNALS)

    def __init__(self, directives: Mapping[str, object], directory: Path, host: str = LOOPBACK) -> None:
        super().__init__(directives, directory, host)
        self._upstream: Upstream | None = None

    @property
    def access_log(self) -> Path:
        """One line a request: connection, number of the request on it, status, target."""
        return self.directory / "access.log"

    def _launch(self) -> None:
        if shutil.which(BINARY) is None:
            raise RealServerError(f"{BINARY} is missing: ./run.sh setup installs Debian's nginx package")
        # nginx cannot be asked for "any port", so one that the kernel has just picked is named to it.
        with socket.socket() as probe:
            probe.bind((self.host, 0))
            port = probe.getsockname()[1]
        self.address = f"{self.host}:{port}"
        self._upstream = Upstream()
        (self.directory / "big").mkdir(exist_ok=True)
        for size in BIG_BYTES:
            with (self.directory / "big" / str(size)).open("wb") as file:
                file.truncate(size)
        configuration = self.directory / "nginx.conf"
        configuration.write_text(self._configuration(self._upstream), encoding="utf-8")
        process = self._spawn(
            # The kernel ends it with the thread that started it, should that be killed.
            ["setpriv", "--pdeathsig", "TERM", "--",
             BINARY, "-e", str(self.directory / "error.log"), "-p", str(self.directory), "-c", str(configuration)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._await_listening(process, port)

    def _configuration(self, upstream: Upstream) -> str:
        blocks: dict[str, dict[str, object]] = {
            "main": {"master_process": "off", **SAME_USER}, "events": {"worker_connections": 8192}, "http": {}, "more": {}
        }  # fmt: skip
        for name, value in self.directives.items():
            if name.startswith("more_"):
                blocks["more"][name.removeprefix("more_")] = value
            else:
                blocks[ABOVE_HTTP.get(name, "http")][name] = value
        text = {block: lines(f"{name} {value};" for name, value in inside.items()) for block, inside in blocks.items()}
        return CONFIGURATION.format(
            directory=self.directory, address=self.address, ok=OK, proxy=f"proxy_pass http://{upstream.address};",
            statuses=lines(f"    location /status/{status} {{ return {status}; }}" for status in STATUSES), **text,
        )

    def _await_listening(self, process: subprocess.Popen[bytes], port: int) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                assert process.stderr is not None
                words = process.stderr.read().decode(errors="replace").strip().splitlines()
                raise RealServerError(f"nginx ended at once: {words[-1] if words else 'it said nothing'}")
            try:
                socket.create_connection((self.host, port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise RealServerError(f"nginx did not listen on {self.address} within {START_SECONDS:g} s")

    def order(self, name: str) -> None:
        """All need {"master_process": "on"}. Returns when a worker says that it is doing so, or when nginx has ended."""
        assert self._process is not None
        said = self._times_said(GRACEFULLY)
        self._process.send_signal(SIGNALS[name])
        end = time.monotonic() + START_SECONDS
        while self._process.poll() is None and (name == "stop" or self._times_said(GRACEFULLY) == said):
            if time.monotonic() > end:
                raise RealServerError(f"nginx did not {name} within {START_SECONDS:g} s")
            time.sleep(0.005)

    def _times_said(self, words: bytes) -> int:
        return (self.directory / "error.log").read_bytes().count(words)

    def stop(self) -> None:
        super().stop()
        upstream, self._upstream = self._upstream, None
        if upstream:
            upstream.stop()


def lines(parts: Iterable[str]) -> str:
    return "".join(f"    {part}\n" for part in parts)


def directive(option: str) -> str:
    """keepalive-timeout → keepalive_timeout."""
    return option.replace("-", "_")


if __name__ == "__main__":
    sys.exit(serve_until_end_of_input(Nginx, directive, sys.argv[1:]))
