"""Random scripts. Case random/K of a seed is the same whatever else is asked for, so it can be repeated by itself.

A script keeps clear of races: gaps end well before a timer of the configuration, or the script waits for the end. What a real
server does in the very moment of a timeout is nobody's to predict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random

from judge.differential.script import Case, read_step

PREFIX = "random/"
AGE_MS, AGE_CLEAR_MS, EARLY_MS = 500, 250, 20  # nginx's configuration "aged"
SETTLE_MS = 100  # behind an answer: a FIN that belongs to it is there then


@dataclass(frozen=True)
class Habits:
    """What one kind of server is asked for."""

    servers: dict[str, int]  # configuration → its weight
    targets: dict[str, int]
    statuses: tuple[int, ...]
    rubbish: tuple[str, ...]  # bytes that are no request, as a step
    gap_ms: int  # at most, between two requests
    end_ms: int  # until which the last timer has run out


CONNECTION = {  # fields of a request → weight
    "": 60, " | Connection: keep-alive": 10, " | Connection: Keep-Alive": 3, " | Connection: close": 6, " | Connection: CLOSE": 2,
    " | Connection: keep-alive, close": 2, " | Connection: x-disclosed": 2, " | Connection: keepalive": 2,
    " | Connection: close | Connection: keep-alive": 2, " | Connection: keep-alive | Connection: close": 2,
    " | Keep-Alive: timeout=1, max=1": 2,
}  # fmt: skip
METHODS = {"GET": 60, "HEAD": 8, "POST": 6, "PUT": 3, "DELETE": 3, "OPTIONS": 3, "PATCH": 2}
STATUSES = (
    200, 201, 204, 301, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 429, 500, 501, 502, 503, 504, 505, 507,
)  # fmt: skip
HABITS = {
    "nginx": Habits(
        {"plain": 50, "limit": 15, "aged": 10, "always": 5, "off": 5, "hint": 8, "safari": 4},
        {"/ok": 40, "/status": 15, "/big/1000": 4, "/big/100000": 3, "/slow/50": 3, "/unknown-length": 6, "/close": 4, "/more": 8},
        (*STATUSES, 444),
        ("raw nonsense\\r\\n\\r\\n", "raw GET /ok HTTP/1.1\\r\\n\\r\\n", "raw GET /ok HTTP/2.0\\r\\nHost: a\\r\\n\\r\\n"),
        250, 3500,
    ),
    "tomcat": Habits(
        {"plain": 50, "limit": 20, "once": 5, "silent": 8, "unlimited": 4},
        {"/ok": 40, "/status": 12, "/send-error": 6, "/big/1000": 4, "/big/100000": 3, "/slow/50": 3, "/unknown-length": 6,
         "/close": 4},
        STATUSES,
        ("raw nonsense\\r\\n\\r\\n", "raw GET /ok HTTP/1.1\\r\\n\\r\\n", "raw GET /ok HTTP/2.0\\r\\nHost: a\\r\\n\\r\\n"),
        600, 6500,
    ),
}  # fmt: skip


def pick(random: Random, weights: dict[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


def name_of(number: int) -> str:
    return f"{PREFIX}{number}"


def random_case(kind: str, seed: int, number: int) -> Case:
    random = Random(f"{kind} {seed} {number}")
    habits = HABITS[kind]
    steps: list[str] = []
    server = pick(random, habits.servers)
    for _ in range(random.randint(1, 5)):
        steps += MOVES[pick(random, MOVE_WEIGHTS)](random, habits)
        steps.append(f"wait {SETTLE_MS + random.choice((0, 0, random.randrange(habits.gap_ms)))}")
    steps += ENDINGS[pick(random, ENDING_WEIGHTS)](random, habits)
    if server == "aged":
        steps = list(clear_of_age(steps))
    steps += [f"end {habits.end_ms}"] + (["late"] if random.random() < 0.5 else [])
    return Case(name_of(number), server, tuple(map(read_step, steps)))


def clear_of_age(steps: Iterable[str]) -> Iterator[str]:
    """The age counts on while a script falls behind: what would be sent shortly before it is sent behind it."""
    at_ms = 0
    for step in steps:
        word, _, amount = step.partition(" ")
        if word == "wait":
            at_ms += int(amount)
        elif word not in ("answer", "fin"):
            if AGE_MS - AGE_CLEAR_MS < at_ms < AGE_MS + EARLY_MS:
                yield f"wait {AGE_MS + EARLY_MS - at_ms}"
                at_ms = AGE_MS + EARLY_MS
            slow = re.search(r"/slow/(\d+)", step)
            at_ms += int(slow[1]) if slow else 0
        yield step


def a_target(random: Random, habits: Habits) -> str:
    target = pick(random, habits.targets)
    statuses = [status for status in habits.statuses if status >= 400 or target == "/status"]
    return f"{target}/{random.choice(statuses)}" if target in ("/status", "/send-error") else target


def a_request(random: Random, habits: Habits) -> str:
    version = " HTTP/1.0" if random.random() < 0.15 else ""
    return f"{pick(random, METHODS)} {a_target(random, habits)}{version}{pick(random, CONNECTION)}"


def exchange(random: Random, habits: Habits) -> list[str]:
    return [a_request(random, habits), "answer"]


def with_body(random: Random, habits: Habits) -> list[str]:
    """A body that comes with its head, or somewhat later; one that is read, or left."""
    size = random.choice((1, 10, 1000, 100_000))
    target = random.choice(("/read-body", "/ok"))
    head = f"POST {target}{pick(random, CONNECTION)} | Content-Length: {size}"
    if random.random() < 0.5:
        return [f"{head} && dots {size}", "answer"]
    return [head, "wait 60", f"dots {size}", "wait 60", *(["answer"] if target == "/read-body" else [])]


def pipeline(random: Random, habits: Habits) -> list[str]:
    count = random.randint(2, 5)
    return [" && ".join(f"GET {random.choice(('/ok', '/ok', '/unknown-length'))}" for _ in range(count)), f"wait {SETTLE_MS * 2}"]


def in_two_parts(random: Random, habits: Habits) -> list[str]:
    return ["raw GET /ok HTTP/1.1\\r\\nHo", "wait 60", "raw st: a.test\\r\\n\\r\\n", "answer"]


def idle_end(random: Random, habits: Habits) -> list[str]:
    return []


def half_close(random: Random, habits: Habits) -> list[str]:
    return ["fin"]


def request_and_half_close(random: Random, habits: Habits) -> list[str]:
    return [random.choice(("GET /ok", "GET /slow/500", "HEAD /ok")), "fin"]


def partial_head(random: Random, habits: Habits) -> list[str]:
    return [random.choice(("raw GET /ok HT", "raw \\r\\n", "raw G", "raw GET /ok HTTP/1.1\\r\\nHost: a\\r\\n"))]


def rubbish(random: Random, habits: Habits) -> list[str]:
    return [random.choice(habits.rubbish)]


def body_never(random: Random, habits: Habits) -> list[str]:
    return [random.choice(("POST /ok | Content-Length: 10", "POST /read-body | Content-Length: 10 && dots 5"))]


Move = Callable[[Random, Habits], list[str]]
MOVES: dict[str, Move] = {"exchange": exchange, "body": with_body, "pipeline": pipeline, "parts": in_two_parts}
MOVE_WEIGHTS = {"exchange": 70, "body": 12, "pipeline": 10, "parts": 5}
ENDINGS: dict[str, Move] = {
    "idle": idle_end, "fin": half_close, "request-fin": request_and_half_close, "partial": partial_head, "rubbish": rubbish,
    "body": body_never,
}  # fmt: skip
ENDING_WEIGHTS = {"idle": 45, "fin": 10, "request-fin": 12, "partial": 13, "rubbish": 12, "body": 8}
