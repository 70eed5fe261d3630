"""The reference subject's own adapter, where scenarios do not reach: words that are not UTF-8, and workers that cannot be started."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest
from judge.project import Project

PROGRAM = str(Project.here("san").program("reference"))


def ask(*commands: dict[str, Any], preexec: Callable[[], None] | None = None) -> list[dict[str, Any]]:
    """Its answers, behind its first line; at the end of its input it ends well."""
    lines = "".join(json.dumps({"id": number, **command}) + "\n" for number, command in enumerate(commands, 1))
    with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=preexec) as process:
        assert process.stdin and process.stdout
        process.stdin.write(lines)
        process.stdin.flush()
        said = [json.loads(process.stdout.readline()) for _ in range(len(commands) + 1)]
        process.stdin.close()
        assert process.wait(30) == 0
    return said[1:]


@pytest.mark.parametrize("where", [{"host": "a" + "ä" * 400, "port": 1}, {"unix": "/a" + "ä" * 400}], ids=["host", "unix"])
def test_a_long_name_is_shortened_inside_a_letter(where: dict[str, Any]) -> None:
    [said] = ask({"op": "connect", "sock": "a", **where})
    assert said["ok"] is False and "a??" in said["err"]


def test_headers_are_joined_and_have_words() -> None:
    head = b"X-Long: some value\r\nX-Empty:\r\nX-Two: a\r\nX-Two: b\r\nX-Latin: caf\xe9\r\nContent-Length: 2\r\n\r\nhi"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\n" + head)
                peer.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        [said] = ask({"op": "request", "url": f"http://127.0.0.1:{listener.getsockname()[1]}/"})
        thread.join()
    headers = {"x-long": "some value", "x-empty": "", "x-two": "a, b", "x-latin": "caf?", "content-length": "2"}
    assert said == {"id": 1, "ok": True, "status": 200, "headers": headers, "body": "hi", "reused": 0}


def test_workers_that_cannot_be_started() -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))

    [said] = ask({"op": "configure", "workers": 9}, preexec=few)
    assert said == {"id": 1, "ok": False, "err": "protocol: the workers could not be started: Too many open files"}
