"""Where a model and the real thing differ: in an answer, in what the servers saw, or in what the kernel holds."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from proof.model.model import Model
from proof.model.things import FIN, RST, Answer, Conn
from proof.model.world import World


@dataclass(frozen=True)
class Difference:
    text: str
    final: bool = False  # else it may only be a matter of time


def text_of(value: Any) -> bytes:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else str(value).encode()


class Comparison:
    def __init__(self, world: World) -> None:
        self.world, self.notes, self.replies = world, world.notes, world.subject.replies
        self.agreed: set[int] = set()  # answers that need not be looked at again
        self.gone: set[int] = set()  # connections whose end has been witnessed

    def differs(self, model: Model) -> Difference | None:
        return self.answers(model) or self.ends(model) or self.living(model) or self.strangers(model)

    def accept(self, models: list[Model]) -> None:
        """All of them agree with what was seen."""
        self.agreed.update(models[0].answers)
        self.gone.update(conn.tag for conn in models[0].closed if conn.tag)

    def stats(self, model: Model, stats: dict[str, dict[str, int]]) -> Difference | None:
        if stats == model.stats():
            return None
        return Difference(f"the pool says it holds {stats}, the model {model.stats()}")

    # answers

    def answers(self, model: Model) -> Difference | None:
        replies = [*self.replies]
        for call in replies:
            if call not in model.answers:
                return Difference(f"command {call}: the pool answers {self.said(call)}, the model waits", final=True)
        for call, answer in model.answers.items():
            if call in self.agreed:
                continue
            if call not in replies:
                return Difference(f"command {call}: the model answers {shown(answer)}, the pool does not answer")
            if difference := self.answer(model, call, answer):
                return difference
        first = [call for call in model.at_once if call not in self.agreed]
        came = [call for call in replies if call not in self.agreed]
        if came[: len(first)] != first:
            return Difference(f"answers come in the order {came}, where {first} should come first", final=True)
        return None

    def answer(self, model: Model, call: int, answer: Answer) -> Difference | None:
        reply = self.replies[call]
        for key, value in answer.items():
            said = reply.get(key)
            if key == "err":
                same = said in value
            elif key in ("data", "partial"):
                same = said is not None and text_of(said) == value
            elif key == "after":
                same = reply["t"] / 1e6 >= value
            else:
                same = key == "conn" or said == value
            if not same:
                early = ", but sooner than it may" if key == "after" else ""
                return Difference(f"command {call}: the model answers {shown(answer)}, the pool {self.said(call)}{early}", final=True)
        return self.identify(model, call, answer["conn"]) if "reused" in answer else None

    def said(self, call: int) -> str:
        reply = {key: value for key, value in self.replies[call].items() if key not in ("t", "who", "ev", "label", "id")}
        if isinstance(reply.get("err"), str):
            reply["err"] = (reply["err"],)
        return shown(reply)

    def identify(self, model: Model, call: int, conn: Conn) -> Difference | None:
        """Which connection it is by the server's count: told by the client's port, on a unix socket by the order."""
        if not self.world.is_tcp(conn.address):
            return self.identify_local(conn)
        port = self.replies[call]["local_port"]
        tag = next((event["conn"] for event in reversed(self.notes.accepted) if event["peer"] == port), None)
        if conn.tag is None:
            if tag is None or any(tag == one.tag for one in model.closed):
                return Difference(f"command {call}: no server has accepted the connection from port {port}")
            if any(tag == one.tag for one in model.all_open()):
                return Difference(f"command {call}: the model opens a connection, the pool gives c{tag} again", final=True)
            conn.tag = tag
        if tag != conn.tag:
            return Difference(f"command {call}: the model gives c{conn.tag}, the pool {f'c{tag}' if tag else 'another'}", final=True)
        return None

    def identify_local(self, conn: Conn) -> Difference | None:
        accepted = [event["conn"] for event in self.notes.accepted if event["listener"] == "U"]
        if conn.serial > len(accepted):
            return Difference("the unix socket's server has not accepted the connection")
        conn.tag = accepted[conn.serial - 1]
        return None

    # the wire

    def ends(self, model: Model) -> Difference | None:
        for conn in model.closed:
            if conn.tag is None or conn.tag in self.gone:
                continue
            if conn.ended == RST or conn.send_err or conn.stuck:  # its server will not tell
                if self.world.is_tcp(conn.address) and self.world.look(conn.tag, conn.address)[0] != "gone":
                    return Difference(f"the model closes c{conn.tag}, the pool has it")
                continue
            seen = self.notes.find(conn.tag, "fin_seen", "rst_seen")
            if seen is None:
                return Difference(f"the model closes c{conn.tag}, its server has not seen it")
            if seen["ev"] != f"{conn.closed}_seen":
                return Difference(f"the model closes c{conn.tag} so that its server sees {conn.closed}; it saw {seen['ev']}", final=True)
            if conn.expired and seen["t"] / 1e6 < conn.until:
                return Difference(f"c{conn.tag} expired {conn.until - seen['t'] / 1e6:.3f} ms too soon", final=True)
        return None

    def living(self, model: Model) -> Difference | None:
        for conn in model.all_open():
            if conn.tag is None:
                continue
            if seen := self.notes.find(conn.tag, "fin_seen", "rst_seen"):
                return Difference(f"the pool has closed c{conn.tag} ({seen['ev']}), the model keeps it", final=True)
            if not self.world.is_tcp(conn.address):
                continue
            expected = ("half" if conn.ended == FIN else "open", len(conn.kernel))
            if conn.ended == RST or conn.send_err:
                expected = ("gone", 0)
            found = self.world.look(conn.tag, conn.address)
            if found != expected:
                return Difference(f"c{conn.tag} is {found[0]} with {found[1]} unread bytes, in the model {expected[0]} with {expected[1]}")
        return None

    def strangers(self, model: Model) -> Difference | None:
        """Connections that nobody was given."""
        known = {conn.tag for conn in (*model.closed, *model.all_open())}
        strange = [event["conn"] for event in self.notes.accepted if event["conn"] not in known]
        if len(strange) > model.dropped:
            return Difference(f"the servers have seen {len(strange)} connections that nobody asked for: {strange}", final=True)
        return None


def shown(answer: Answer) -> str:
    """An answer in a few words."""
    words = []
    for key, value in answer.items():
        if key == "conn":
            words.append(f"c{value.tag}")
        elif key == "err":
            words.append(" or ".join(f'"{text}"' for text in value))
        elif key in ("data", "partial"):
            data = value if isinstance(value, bytes) else text_of(value)
            words.append(f"{key} {data[:60]!r}" + (f" ... ({len(data)} bytes)" if len(data) > 60 else ""))
        elif key not in ("ok", "local_port", "after"):
            words.append(f"{key} {value}")
    return " ".join(["ok" if answer["ok"] else "error", *words])
