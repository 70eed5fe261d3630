"""A real Tomcat (Debian's libtomcat10-java) for one run: on a loopback port, in a folder of its own, never as a service.

    tomcat.py --dir FOLDER --maxKeepAliveRequests=100 --keepAliveTimeout=2000

Each option but --dir and --host is an attribute of the connector, as server.xml has them; `protocol` chooses the connector. Prints one JSON
line, {"ok":true,"address":"127.0.0.1:PORT"} or {"ok":false,"err":"..."}, and ends with its Tomcat when its standard input ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":  # run as a file, it finds its neighbours all the same
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from servers.real._process import START_SECONDS, RealServer, RealServerError, serve_until_end_of_input

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "servers" / "real" / "java"
JARS = tuple(
    Path(f"/usr/share/java/tomcat10-{part}.jar")
    for part in ("juli", "catalina", "coyote", "servlet-api", "util", "util-scan", "api", "annotations-api", "jaspic-api", "jni")
)
# It lives for seconds: what makes it start fast counts, not what makes it run fast for hours.
JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m", "-Duser.language=en")


class Tomcat(RealServer):
    """Answers what servers/real/README.md lists. `directives` are attributes of the connector by their own names, e.g.
    {"maxKeepAliveRequests": 100, "keepAliveTimeout": 2000}; times in ms. Use in `with`."""

    NAME = "Tomcat"
    ORDERS = ("shutdown",)

    def _launch(self) -> None:
        program = compiled()
        log = self.directory / "tomcat.log"
        attributes = [f"address={self.host}"]
        attributes += [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in self.directives.items()]
        class_path = ":".join(map(str, (program, *JARS)))
        with log.open("wb") as errors:
            process = self._spawn(
                ["java", *JVM, f"-Djava.io.tmpdir={self.directory}", "-cp", class_path, "RealTomcat", str(self.directory), *attributes],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors.fileno(),
            )  # fmt: skip
        said = self._first_line(process)
        if not said.get("ok"):
            raise RealServerError(f"Tomcat did not start: {said.get('err') or last_line(log)}")
        self.address = f"{self.host}:{said['port']}"

    def _first_line(self, process: subprocess.Popen[bytes]) -> dict[str, object]:
        assert process.stdout is not None
        line = read_line(process.stdout.fileno(), START_SECONDS)
        if line is None:
            raise RealServerError(f"Tomcat did not listen within {START_SECONDS:g} s")
        try:
            return json.loads(line)
        except ValueError:
            return {"ok": False}

    def order(self, name: str) -> None:
        """shutdown begins what a SIGTERM begins in a Tomcat that is a service. Returns at once."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(b"stop\n")
        self._process.stdin.flush()


def read_line(descriptor: int, seconds: float) -> bytes | None:
    """The first line that comes, b"" at the end of the stream, None where nothing comes in time."""
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([descriptor], [], [], seconds)[0]:
            return None
        more = os.read(descriptor, 4096)
        if not more:
            return line
        line += more
    return line


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def compiled() -> Path:
    """The folder with our classes: compiled when a Tomcat is first wanted, and again when a source has changed."""
    missing = [path for path in (*JARS, shutil.which("javac"), shutil.which("java")) if path is None or not Path(path).exists()]
    if missing:
        raise RealServerError("Tomcat or the Java compiler is missing: ./run.sh setup installs Debian's libtomcat10-java and JDK")
    sources = sorted(SOURCES.glob("*.java"))
    state = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    target = ROOT / "build" / "tomcat" / state
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / "classes"
            compile_java(sources, made)
            with suppress(OSError):  # somebody else was faster
                made.rename(target)
    return target


def compile_java(sources: list[Path], target: Path) -> None:
    class_path = ":".join(map(str, JARS))
    run = subprocess.run(
        ["javac", "-Xlint:all", "-proc:none", "-cp", class_path, "-d", target, *sources], capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RealServerError(f"servers/real/java does not compile: {run.stderr.strip()[-400:]}")


if __name__ == "__main__":
    sys.exit(serve_until_end_of_input(Tomcat, str, sys.argv[1:]))
