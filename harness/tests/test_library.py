"""The pool as somebody else's library: installed, found by pkg-config, and the README's example built against it and run."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from judge.project import Project

ROOT = Project.here().root
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["make", "-s", "install", f"PREFIX={prefix}"], cwd=ROOT, check=True)
    return prefix


def flags(prefix: Path) -> list[str]:
    env = {**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}
    command = ["pkg-config", "--cflags", "--libs", "cosocket"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.split()


def example() -> str:
    (code,) = re.findall(r"^```c\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return code


def serve(listener: socket.socket, requests: list[int]) -> None:
    """Answers whatever comes, on each connection as often as it is asked; notes how many requests each one brought."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            count = 0
            while peer.recv(4096):
                count += 1
                peer.sendall(b"hello\n")
            requests.append(count)


def test_the_example_is_as_short_as_promised() -> None:
    assert len(example().splitlines()) <= 40


def test_the_example_builds_and_reuses_its_connection(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "example.c").write_text(example())
    warnings = ["-std=c17", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["gcc", *warnings, "-o", tmp_path / "example", tmp_path / "example.c", *flags(prefix)], check=True)
    requests: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, requests))
        thread.start()
        port = str(listener.getsockname()[1])
        ran = subprocess.run([tmp_path / "example", "127.0.0.1", port], capture_output=True, text=True, timeout=30, check=False)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "hello (reused 0 times)\nhello (reused 1 times)\n"
    assert requests == [2]


def test_the_headers_stand_alone(prefix: Path) -> None:
    for header in ("cosocket.h", "pool.h"):
        source = f"#include <{header}>\nint main(void) {{ return 0; }}\n"
        command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", "-", f"-I{prefix}/include/cosocket"]
        subprocess.run(command, input=source, text=True, check=True)


def test_the_library_shows_only_its_public_names(prefix: Path) -> None:
    listed = subprocess.run(["nm", "-g", "--defined-only", prefix / "lib/libcosocket.a"], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3}
    assert "cosocket_setkeepalive" in names and "pool_handle" in names
    assert all(name.startswith(("cosocket_", "pool_")) for name in names)
