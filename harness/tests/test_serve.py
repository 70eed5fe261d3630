"""The mock server by hand: what `serve` prints, teaches and refuses."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mock_server import PATIENCE_S, PROJECT, Client, server_program

BEHAVIOURS = sorted(path.stem for path in (PROJECT.root / "servers" / "behaviours").glob("*.c"))


def say(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([server_program(), *words], capture_output=True, text=True, check=False, timeout=PATIENCE_S, **options)


class Served:
    """A server that runs; stop() ends it with a signal and returns its books."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen([server_program(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.hello = json.loads(self.process.stdout.readline())
        self.status: int | None = None
        self.log = ""

    def stop(self, number: int = signal.SIGTERM) -> dict:
        self.process.send_signal(number)
        out, self.log = self.process.communicate(timeout=PATIENCE_S)
        self.status = self.process.returncode
        return json.loads(out.splitlines()[-1])["listeners"]["origin"]


@contextmanager
def serving(*words: str) -> Iterator[Served]:
    served = Served(*words)
    try:
        yield served
    finally:
        served.process.kill()
        served.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_says_where_it_listens_and_at_the_end_what_it_did(number: int) -> None:
    with serving("ok") as served:
        port = served.hello["port"]
        assert served.hello == {
            "address": f"127.0.0.1:{port}", "port": port, "url": f"http://127.0.0.1:{port}/", "behaviours": ["ok"]
        }
        client = Client(served.hello["address"])
        assert client.exchange("/hello") == b"c1 r1 /hello\n"
        books = served.stop(number)
        assert (served.status, served.log) == (0, "")
        assert (books["accepted"], books["requests"], books["open"]) == (1, 1, 1)


def test_a_signal_right_behind_the_first_line_is_not_lost(tmp_path: Path) -> None:
    for _ in range(10):
        with serving("ok", "--unix", f"{tmp_path}/s") as served:
            served.stop()
            assert served.status == 0 and not (tmp_path / "s").exists()


def test_ipv6_and_unix(tmp_path: Path) -> None:
    with serving("ok", "--ipv6") as served:
        assert served.hello["url"] == f"http://[::1]:{served.hello['port']}/"
        assert Client(served.hello["address"]).exchange() == b"c1 r1 /t/1\n"
    with serving("ok", "--unix", f"{tmp_path}/s") as served:
        assert served.hello["url"] == f"http://unix:{tmp_path}/s:/"
        assert Client(served.hello["address"]).exchange() == b"c1 r1 /t/1\n"


def test_behaviours_in_order_with_repeats_and_options() -> None:
    with serving("ok*2,stray-glued", "--what=crlf", "--cycle") as served:
        said = []
        for _ in range(6):
            client = Client(served.hello["address"])
            client.get()
            said.append(client.socket.recv(4096)[-2:])
        assert said == [b"1\n", b"1\n", b"\r\n"] * 2


def test_on_request() -> None:
    with serving("ok,close-announced-open", "--on", "request") as served:
        client = Client(served.hello["address"])
        said = []
        for _ in range(3):
            client.get()
            said.append(client.response()[1].get("connection"))
        assert said == [None, "close", "close"]


def test_an_option_may_be_written_either_way() -> None:
    for words in (["--delay-ms", "0"], ["--delay_ms=0"], ["--delay-ms=0"]):
        with serving("slow", *words) as served:
            assert Client(served.hello["address"]).exchange() == b"c1 r1 /t/1\n"


def test_trace_to_a_file(tmp_path: Path) -> None:
    with serving("fin-behind", "--trace", f"{tmp_path}/trace") as served:
        client = Client(served.hello["address"])
        client.exchange()
        client.rest()
        served.stop()
        told = [json.loads(line)["ev"] for line in (tmp_path / "trace").read_text().splitlines()]
        assert told == ["accepted", "request", "response", "fin_sent", "conn_books", "lag"]


def test_a_full_disk_ends_the_trace_and_not_the_server() -> None:
    with serving("ok", "--trace", "/dev/full") as served:
        client = Client(served.hello["address"])
        assert client.exchange() == b"c1 r1 /t/1\n"
        assert client.exchange() == b"c1 r2 /t/1\n"
        assert served.stop()["requests"] == 2
        assert served.log == "server: the trace ends here, the server goes on: No space left on device\n"
        assert served.status == 1


def test_a_full_standard_output() -> None:
    with Path("/dev/full").open("w") as full:
        pipe = subprocess.PIPE
        ran = subprocess.run([server_program(), "ok"], stdout=full, stderr=pipe, text=True, check=False, timeout=PATIENCE_S)
    assert ran.returncode == 1
    assert ran.stderr == "serve: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize(("words", "sentence"), [
    ([], 'it needs to know how to behave, "ok" for example; --help tells more'),
    (["close-idel"], 'there is no behaviour "close-idel"; the nearest is "close-idle"'),
    (["zzzzzz"], 'there is no behaviour "zzzzzz"; --list names them all'),
    (["ok,"], 'there is no behaviour ""; --list names them all'),
    (["ok", "stall"], '"stall" is one word too many: several behaviours are joined by commas'),
    (["ok*0"], 'behind the * of ok stands a whole number, 1 or more, not "0"'),
    (["close-idle", "--aftr-ms", "3"], 'neither serve nor close-idle has an option --aftr-ms; the nearest is "--after-ms"'),
    (["ok,stall", "--cylce"], 'neither serve nor any of these behaviours has an option --cylce; the nearest is "--cycle"'),
    (["close-idle", "--after-ms"], "--after-ms needs a value"),
    (["close-idle", "--after-ms", "soon"], 'after_ms is a number of milliseconds, 0 or more, not "soon"'),
    (["ok", "--port"], "--port needs a value"),
    (["ok", "--port", "70000"], '--port is a number from 0 to 65535, not "70000"'),
    (["ok", "--cycle=yes"], "--cycle takes no value"),
    (["ok", "--port", "1", "--unix", "/x"], "--unix goes with neither --port nor --ipv6"),
    (["ok", "--on", "demand"], '--on is connection or request, not "demand"'),
    (["reset-idle", "--unix", "/nowhere/s"], "cannot listen on unix:/nowhere/s: No such file or directory"),
    (["ok", "--trace", "/nowhere/t"], "cannot write the trace /nowhere/t: No such file or directory"),
])
def test_a_mistake_gets_one_sentence(words: list[str], sentence: str) -> None:
    said = say(*words)
    assert (said.returncode, said.stdout, said.stderr) == (2, "", f"serve: {sentence}\n")


def test_a_port_in_use() -> None:
    with serving("ok") as served:
        said = say("ok", "--port", str(served.hello["port"]))
        assert (said.returncode, said.stderr) == (2, f"serve: {served.hello['address']} is in use; port 0 is any that is free\n")


def test_help_teaches() -> None:
    said = say("--help")
    assert said.returncode == 0 and said.stderr == ""
    assert "./run.sh serve close-idle --after-ms 500 --port 8080" in said.stdout
    assert [name for name in BEHAVIOURS if f"\n  {name} " not in said.stdout] == []
    one = say("slow", "--help").stdout
    assert "--drip-bytes" in one and "--body-bytes" in one and "close-idle" not in one


def test_list_is_what_is_there() -> None:
    listed = json.loads(say("--list").stdout)
    assert [entry["name"] for entry in listed] == BEHAVIOURS
    stray = next(entry for entry in listed if entry["name"] == "stray-idle")
    options = {option["name"]: option for option in stray["options"]}
    what = {"name": "what", "type": "choice", "default": "byte", "choices": "byte|crlf|408|200", "help": "which bytes"}
    assert options["what"] == what
    assert [options[name]["default"] for name in ("after_ms", "gate", "keep_alive_header")] == [100, "", False]
    assert all(entry["summary"] for entry in listed)


def test_the_servers_never_include_the_pool() -> None:
    for source in (PROJECT.root / "servers").rglob("*.[ch]"):
        assert "pool/" not in source.read_text(), source
