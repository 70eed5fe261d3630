"""The pure parts of the differential: script → bytes, bytes → answers, two timelines → differences; each with both verdicts."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from judge.differential import deliberate, generate, lag, sides
from judge.differential.compare import Clock, Difference, compare
from judge.differential.play import Event, Timeline
from judge.differential.run import Outcome, Played, select, written_cases
from judge.differential.script import Case, read_cases, read_step
from judge.differential.show import difference_text
from judge.differential.wire import Answer, Reader
from judge.errors import UsageError
from judge.known_failing import Entry

EXACT, QUANTISED = Clock(50, (600.0, 2000.0)), Clock(1100, (1000.0, 2500.0), rst_late_ms=1000)


# --- script → bytes


@pytest.mark.parametrize(
    ("text", "data", "methods"),
    [
        ("GET /ok", b"GET /ok HTTP/1.1\r\nHost: a.test\r\n\r\n", ("GET",)),
        ("HEAD /ok HTTP/1.0 | A: b | C: d", b"HEAD /ok HTTP/1.0\r\nHost: a.test\r\nA: b\r\nC: d\r\n\r\n", ("HEAD",)),
        ("GET /ok | !Host", b"GET /ok HTTP/1.1\r\n\r\n", ("GET",)),
        ("GET /ok | Host: a | Host: b", b"GET /ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ("GET",)),
        ("2 * GET /", b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n" * 2, ("GET", "GET")),
        ("raw GET /ok HT", b"GET /ok HT", ("GET",)),
        ("PUT / | !Host && dots 3 && raw x\\r\\n\\x00", b"PUT / HTTP/1.1\r\n\r\n...x\r\n\x00", ("PUT",)),
    ],
)
def test_what_is_sent(text: str, data: bytes, methods: tuple[str, ...]) -> None:
    step = read_step(text)
    assert (step.verb, step.data, step.methods) == ("send", data, methods)


@pytest.mark.parametrize(("text", "verb", "amount"), [("answer", "answers", 1), ("answers 3", "answers", 3), ("end 20", "end", 20)])
def test_what_is_waited_for(text: str, verb: str, amount: int) -> None:
    assert (read_step(text).verb, read_step(text).amount) == (verb, amount)


@pytest.mark.parametrize(
    ("text", "verb", "amount", "word"),
    [("server reload", "server", 0, "reload"), ("open 3", "open", 3, "idle"), ("open 3 busy", "open", 3, "busy"),
     ("leave 2", "leave", 2, ""), ("others", "others", 1, "")],
)
def test_what_happens_beside_it(text: str, verb: str, amount: int, word: str) -> None:
    step = read_step(text)
    assert (step.verb, step.amount, step.word) == (verb, amount, word)
    assert Case("a/b", "plain", (step,)).own and not Case("a/b", "plain", (read_step("GET /ok"),)).own


@pytest.mark.parametrize("text", ["get /ok", "wait", "wait soon", "answers", "GET ok", "late 3", "", "server", "open", "open 3 lazy"])
def test_what_is_no_step(text: str) -> None:
    with pytest.raises(ValueError, match="is no step"):
        read_step(text)


def test_a_case_with_a_wrong_step_is_named(tmp_path: Path) -> None:
    (tmp_path / "idle.toml").write_text('[a]\nscript = ["GET /ok", "answr"]\n')
    with pytest.raises(UsageError, match=r'idle\.toml: \[a\]: "answr" is no step'):
        read_cases(tmp_path, frozenset({"plain"}))


def test_an_order_that_the_server_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "life.toml").write_text('[a]\nscript = ["server relod"]\n')
    with pytest.raises(UsageError, match=r'\[a\]: "server relod": this server cannot be told so; did you mean "reload"'):
        read_cases(tmp_path, frozenset({"plain"}), ("reload", "quit"))


# --- bytes → answers


def answers_of(data: bytes, *methods: str, ended: bool = False) -> list[Answer]:
    reader = Reader(methods)
    return reader.take(data) + (reader.end() if ended else [])


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: keep-alive\r\n\r\nc12 r3 /ok"


def test_an_answer_with_a_length() -> None:
    (one,) = answers_of(OK, "GET")
    assert one == Answer("HTTP/1.1 200 OK", "keep-alive", "", "length", None, "r3 /ok")


def test_the_connection_s_number_is_nobody_s_business() -> None:
    assert answers_of(OK, "GET") == answers_of(OK.replace(b": 10", b": 9").replace(b"c12", b"c1"), "GET")
    assert answers_of(OK, "GET") != answers_of(OK.replace(b"r3", b"r4"), "GET")


def test_byte_by_byte_is_no_different() -> None:
    reader, found = Reader(["GET", "GET"]), []
    for byte in OK + OK:
        found += reader.take(bytes([byte]))
    assert found == answers_of(OK + OK, "GET", "GET") and len(found) == 2


def test_a_head_has_no_body() -> None:
    head = OK.partition(b"c12")[0]
    assert len(answers_of(head + OK, "HEAD", "GET")) == 2
    assert len(answers_of(head + OK, "GET", "GET")) == 1


def test_a_long_answer_is_looked_at_when_it_is_there() -> None:
    reader = Reader(["GET", "GET"])
    assert reader.take(OK[:-1]) == [] and reader.least_bytes == len(OK)
    assert len(reader.take(OK[-1:])) == 1 and reader.least_bytes == 0
    assert reader.take(OK[:-1]) == [] and len(reader.end()) == 1


def test_chunked() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    (one,) = answers_of(chunked, "GET")
    assert (one.framing, one.length, one.whole) == ("chunked", 3, True)
    (cut,) = answers_of(chunked[:-5], "GET", ended=True)
    assert not cut.whole


def test_until_the_end() -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\nabc"
    assert answers_of(data, "GET") == []
    (one,) = answers_of(data, "GET", ended=True)
    assert (one.framing, one.length, one.whole) == ("end", 3, True)


@pytest.mark.parametrize("data", [OK[:-1], OK[:30]])
def test_an_answer_that_is_cut(data: bytes) -> None:
    assert answers_of(data, "GET") == []
    (one,) = answers_of(data, "GET", ended=True)
    assert not one.whole and one.length is None


def test_a_body_without_a_status_line() -> None:
    (one,) = answers_of(b"<html>", "GET", ended=True)
    assert one.status_line == "(no status line)"


def test_an_interim_answer_is_none_of_the_requests() -> None:
    first, second = answers_of(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "POST")
    assert first.interim and not second.interim


def test_behind_a_switch_of_protocols_nothing_is_parsed() -> None:
    reader = Reader(["GET"])
    (one,) = reader.take(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
    assert one.switches and reader.end() == [] and reader.data


# --- two timelines → differences


def timeline(*events: tuple[float, str, str]) -> Timeline:
    def answer(text: str) -> Answer | None:
        return Answer(f"HTTP/1.1 {text}", "keep-alive", "", "length", 3, "") if text != "silence" else None

    return Timeline([Event(t, kind, text, answer(text) if kind == "answer" else None) for t, kind, text in events])


DID, ANSWERED = (0.0, "did", "GET /ok"), (1.0, "answer", "200 OK")


def whats(real: Timeline, mock: Timeline, clock: Clock = EXACT, lag_ms: float = 0) -> list[str]:
    return [one.what for one in compare(real, mock, clock, lag_ms)]


def test_the_same_is_the_same() -> None:
    one = timeline(DID, ANSWERED, (601.0, "end", "EOF"), (602, "did", "late"), (603, "late", "RST after 1 ms"))
    assert whats(one, one) == []


def test_another_answer() -> None:
    assert whats(timeline(DID, ANSWERED), timeline(DID, (1.0, "answer", "404 Not Found"))) == ["answer 1 status line"]
    assert whats(timeline(DID, ANSWERED), timeline(DID)) == ["answers"]
    assert whats(timeline(DID, ANSWERED), timeline(DID, (9.0, "answer", "silence"))) == ["answer 1"]
    assert whats(timeline(DID, ANSWERED), timeline(DID, (201.0, "answer", "200 OK"))) == ["answer 1 time"]


@pytest.mark.parametrize(("length", "alike"), [(1000, False), (20_000_000, True)])
def test_a_large_answer_takes_its_time(length: int, alike: bool) -> None:
    answer = Answer("HTTP/1.1 200 OK", "keep-alive", "", "length", length, "")
    real, mock = (Timeline([Event(0, "did", "GET /big"), Event(at, "answer", "200", answer)]) for at in (10, 500))
    assert whats(real, mock) == ([] if alike else ["answer 1 time"])


def test_another_end() -> None:
    closes = timeline(DID, ANSWERED, (601.0, "end", "EOF"))
    assert whats(closes, timeline(DID, ANSWERED, (601.0, "end", "RST"))) == ["end"]
    assert whats(closes, timeline(DID, ANSWERED, (2001.0, "end", "open after 2000 ms"))) == ["end"]


def test_what_became_of_others() -> None:
    one, other = (timeline((0, "did", "open 3"), (1, "others", text)) for text in ("1 EOF; 2 answered", "3 answered"))
    assert whats(one, other) == ["others"] and whats(one, one) == []


@pytest.mark.parametrize(("others", "alike"), [((), False), (((0.0, "others", "3 answered"),), True)])
def test_an_answer_that_waited_for_others_to_leave(others: tuple[tuple[float, str, str], ...], alike: bool) -> None:
    real, mock = (timeline(*others, DID, (at, "answer", "200 OK")) for at in (1050, 1950))
    assert whats(real, mock, QUANTISED) == ([] if alike else ["answer 1 time"])


def test_what_follows_a_large_body_counts_from_its_end() -> None:
    real = timeline(DID, ANSWERED, (601, "end", "EOF"))
    assert whats(real, timeline(DID, ANSWERED, (900, "end", "EOF"))) == ["end time"]
    assert whats(real, timeline(DID, ANSWERED, (300, "sent", "sent, in 300 ms"), (900, "end", "EOF"))) == []


@pytest.mark.parametrize(
    ("clock", "one_ms", "other_ms", "lag_ms", "alike"),
    [
        (EXACT, 600, 640, 0, True),
        (EXACT, 600, 660, 0, False),
        (EXACT, 600, 660, 20, True),
        (EXACT, 0, 600, 0, False),
        (EXACT, 600, 2000, 0, False),
        (QUANTISED, 1000, 2050, 0, True),
        (QUANTISED, 1000, 2150, 0, False),
        (QUANTISED, 980, 1500, 0, False),
        (QUANTISED, 980, 1500, 20, True),
        (QUANTISED, 0, 1000, 0, False),
        (QUANTISED, 1500, 2600, 0, False),
    ],
)
def test_the_time_of_an_end(clock: Clock, one_ms: float, other_ms: float, lag_ms: float, alike: bool) -> None:
    real, mock = (timeline((0, "did", "GET /ok"), (0, "answer", "200 OK"), (at, "end", "EOF")) for at in (one_ms, other_ms))
    assert whats(real, mock, clock, lag_ms) == ([] if alike else ["end time"])


@pytest.mark.parametrize(
    ("clock", "one_ms", "other_ms", "alike"), [(EXACT, 0, 1000, False), (QUANTISED, 0, 1001, True), (QUANTISED, 0, 1200, False)]
)
def test_the_time_of_a_reset(clock: Clock, one_ms: float, other_ms: float, alike: bool) -> None:
    real, mock = (timeline((0, "answer", "200 OK"), (at, "end", "RST")) for at in (one_ms, other_ms))
    assert whats(real, mock, clock) == ([] if alike else ["end time"])


@pytest.mark.parametrize(
    ("did", "one_ms", "other_ms", "alike"),
    [
        (("server shutdown",), 40, 500, True),
        (("server shutdown", "open 1"), 40, 500, True),
        (("server shutdown",), 40, 2100, False),
        (("server shutdown", "GET /ok"), 40, 500, False),
        (("GET /ok",), 40, 500, False),
    ],
)
def test_the_time_of_a_stop(did: tuple[str, ...], one_ms: float, other_ms: float, alike: bool) -> None:
    stops = Clock(50, (1000.0,), stop_late_ms=700)
    real, mock = (timeline(*((0, "did", text) for text in did), (at, "end", "EOF")) for at in (one_ms, other_ms))
    assert whats(real, mock, stops) == ([] if alike else ["end time"])


@pytest.mark.parametrize(
    ("clock", "one", "other", "alike"),
    [
        (EXACT, "RST after 0 ms", "RST after 50 ms", True),
        (EXACT, "RST after 0 ms", "RST after 900 ms", False),
        (EXACT, "RST after 0 ms", "absorbed", False),
        (QUANTISED, "RST after 0 ms", "RST after 900 ms", True),
        (QUANTISED, "RST after 900 ms", "absorbed", False),
    ],
)
def test_a_late_write(clock: Clock, one: str, other: str, alike: bool) -> None:
    real, mock = (timeline((0, "end", "EOF"), (1, "did", "late"), (2, "late", text)) for text in (one, other))
    assert whats(real, mock, clock) == ([] if alike else ["late write"])


# --- what is left out on purpose


def test_an_entry_explains_its_difference_and_no_other() -> None:
    entry = Entry("status/http09", "answers", "a parser of its own", "README", "f:1")
    found = [Difference("answers", "1", "0"), Difference("end time", "0", "1000")]
    assert [one.what for one in deliberate.unexplained("status/http09", found, [entry])] == ["end time"]
    assert len(deliberate.unexplained("status/other", found, [entry])) == 2
    assert deliberate.rotten({"status/http09": found}, ["status/http09"], [entry]) == []


def test_an_entry_that_covers_nothing_is_a_problem() -> None:
    entry = Entry("status/http09", "answers", "a parser of its own", "README", "f:1")
    assert "is not: take the entry out" in deliberate.rotten({"status/http09": []}, ["status/http09"], [entry])[0]
    assert "matches no case" in deliberate.rotten({}, ["status/other"], [entry])[0]
    assert deliberate.rotten({}, ["status/http09"], [entry]) == []  # was not played


# --- cases


@pytest.mark.parametrize("kind", sides.kinds())
def test_there_are_cases_enough(kind: str) -> None:
    assert len(written_cases(kind)) >= 60


@pytest.mark.parametrize("kind", sides.kinds())
def test_a_seed_gives_the_same_cases_again(kind: str) -> None:
    some = [generate.random_case(kind, 7, number) for number in range(1, 40)]
    assert some == [generate.random_case(kind, 7, number) for number in range(1, 40)]
    assert len({case.steps for case in some}) > 35
    assert select(kind, ["random/17"], 7, 0, False) == [some[16]]
    assert generate.random_case(kind, 8, 17) != some[16]


@pytest.mark.parametrize(
    ("steps", "clear"),
    [
        (["GET /ok", "wait 240", "GET /ok"], ["GET /ok", "wait 240", "GET /ok"]),
        (["GET /ok", "wait 260", "GET /ok"], ["GET /ok", "wait 260", "wait 260", "GET /ok"]),
        (["GET /slow/50", "answer", "wait 240", "fin"], ["GET /slow/50", "answer", "wait 240", "fin"]),
        (["GET /slow/50", "answer", "wait 240", "GET /ok"], ["GET /slow/50", "answer", "wait 240", "wait 230", "GET /ok"]),
        (["wait 530", "GET /ok"], ["wait 530", "GET /ok"]),
    ],
)
def test_a_random_script_keeps_clear_of_the_age(steps: list[str], clear: list[str]) -> None:
    assert list(generate.clear_of_age(steps)) == clear


@pytest.mark.parametrize(("late_ms", "troubled", "unclear"), [(10, 1, 0), (500, 0, 1)])
def test_what_differs_while_somebody_was_late_is_inconclusive(late_ms: float, troubled: int, unclear: int) -> None:
    case, found = Case("a/b", "plain", ()), [Difference("end", "EOF", "none")]
    differs, alike = (Outcome(case, Timeline(), Timeline(), some, some, 0, late) for some, late in ((found, late_ms), ([], 500)))
    played = Played([differs, alike])
    assert (len(played.troubled), len(played.unclear)) == (troubled, unclear)


def test_a_case_that_is_not_there() -> None:
    with pytest.raises(UsageError, match='did you mean "idle/no-request-at-all"'):
        select("nginx", ["idle/no-request-at-al"], 1, 0, False)


def test_a_difference_as_text() -> None:
    case = select("nginx", ["limit/one"], 1, 0, False)[0]
    real = timeline(DID, ANSWERED, (601.0, "end", "EOF"))
    text = difference_text("nginx", case, real, timeline(DID, ANSWERED), [Difference("end", "EOF", "none")], "./run.sh again")
    row = next(line for line in text.splitlines() if "HTTP/1.1 200 OK" in line)
    assert row.count("HTTP/1.1 200 OK") == 2
    assert "end: EOF | none" in text and text.endswith("again:  ./run.sh again")


@pytest.mark.parametrize(
    ("against", "name"), [(None, "the behaviour nginx"), ("ok", "the behaviour ok"), ("real", "the real nginx, once more")]
)
def test_each_timeline_says_whose_it_is(against: str | None, name: str) -> None:
    case = select("nginx", ["limit/one"], 1, 0, False)[0]
    lines = difference_text("nginx", case, timeline(DID), timeline(DID), [], "again", against).splitlines()
    assert [line for line in lines if line.startswith("    the real nginx  ") and line.endswith(f"  {name}")]


def test_what_the_kernel_sends_again_is_lateness(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no loopback interface that loses a segment when it is asked to."""
    counted = iter([7, 7, 8])
    monkeypatch.setattr(lag, "sent_again", lambda: next(counted, 8))

    async def watched() -> float:
        with (seen := lag.Lag()).watching([]):
            while len(seen.seen[lag.ME]) < 3:  # ticks
                await asyncio.sleep(0)
        return seen.worst_ms([], 0, time.monotonic())

    assert asyncio.run(watched()) == lag.AGAIN_MS
