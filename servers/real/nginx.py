"""A real nginx (Debian's package) for one run: on a loopback port, in a folder of its own, never as a service.

    nginx.py --dir FOLDER --keepalive-requests=100 --keepalive-timeout=1s

Each option but --dir is a directive of the http block. Prints one JSON line, {"ok":true,"address":"127.0.0.1:PORT"} or
{"ok":false,"err":"..."}, and ends with its nginx when its standard input ends.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

BINARY = "/usr/sbin/nginx"
START_SECONDS = 10.0

CONFIGURATION = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log notice;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    log_format wire '$connection $connection_requests $status $request_uri';
    access_log {directory}/access.log wire;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
{directives}
    server {{
        listen {address};
        location / {{
            default_type text/plain;
            return 200 "c$connection r$connection_requests $request_uri\\n";
        }}
    }}
}}
"""


class NginxError(Exception):
    """One sentence: what kept nginx from running."""


class Nginx:
    """Starts in `with`, listens at `address`, and is gone afterwards, whatever happened in between.

    `directives` go into the http block as they are, e.g. {"keepalive_requests": 100, "keepalive_timeout": "1s"}. The bodies say
    which connection and which of its requests they answer, as those of the mock servers do.
    """

    def __init__(self, directives: Mapping[str, object], directory: Path) -> None:
        self.directives = directives
        self.directory = directory
        self.address = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def access_log(self) -> Path:
        """One line a request: connection, number of the request on it, status, target."""
        return self.directory / "access.log"

    def start(self) -> str:
        """Returns the address. For `with`: a second start would leave the first nginx to nobody."""
        if self._process is not None:
            raise NginxError("this nginx has been started already")
        if shutil.which(BINARY) is None:
            raise NginxError(f"{BINARY} is missing: ./run.sh setup installs Debian's nginx package")
        # nginx cannot be asked for "any port", so one that the kernel has just picked is named to it.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.directory.mkdir(parents=True, exist_ok=True)
        configuration = self.directory / "nginx.conf"
        lines = "".join(f"    {name} {value};\n" for name, value in self.directives.items())
        configuration.write_text(
            CONFIGURATION.format(directory=self.directory, address=self.address, directives=lines), encoding="utf-8"
        )
        self._process = subprocess.Popen(
            [BINARY, "-e", str(self.directory / "error.log"), "-p", str(self.directory), "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._await_listening(port)
        return self.address

    def _await_listening(self, port: int) -> None:
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                assert self._process.stderr is not None
                words = self._process.stderr.read().decode(errors="replace").strip().splitlines()
                self.stop()
                raise NginxError(f"nginx ended at once: {words[-1] if words else 'it said nothing'}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        self.stop()
        raise NginxError(f"nginx did not listen on {self.address} within {START_SECONDS:g} s")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stderr:
            process.stderr.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def directives_of(options: list[str]) -> dict[str, str]:
    """--keepalive-timeout=1s → keepalive_timeout 1s."""
    pairs = (option.removeprefix("--").partition("=") for option in options)
    return {name.replace("-", "_"): value for name, _, value in pairs}


def main(arguments: list[str]) -> int:
    # Until standard input ends: a signal to us must not leave nginx behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    at = arguments.index("--dir")
    directory, options = Path(arguments[at + 1]), arguments[:at] + arguments[at + 2 :]
    try:
        with Nginx(directives_of(options), directory) as nginx:
            print(json.dumps({"ok": True, "address": nginx.address}), flush=True)
            sys.stdin.read()
    except NginxError as error:
        print(json.dumps({"ok": False, "err": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
