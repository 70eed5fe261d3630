"""The shape of the protocol's commands, and how they look on the way to a worker and back.

Only what cannot be understood is refused here. A value that is merely wrong goes on to the pool: Lua can carry what JSON can."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import socket
from typing import Any

Command = dict[str, Any]
Reply = dict[str, Any]

SOCKET_OPS = frozenset({"connect", "send", "receive", "setkeepalive", "getreusedtimes", "settimeouts", "close"})
WORKER_OPS = frozenset({"cancel", "block", "stop", "batch"})
ADAPTER_OPS = frozenset({"configure", "quit"})  # answered without a worker
HOW_TO_RECEIVE = ("bytes", "any", "line", "all")
BLOCK_MS_MAX = 3_600_000


class Refused(Exception):
    """Why a command cannot be understood: what follows `protocol:`."""


def refusal(number: int | None, why: Refused) -> Reply:
    return {"id": number, "ok": False, "err": f"protocol: {why}"}


def parse(line: bytes) -> Command:
    try:
        command = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refused(f"no JSON: {error}") from None
    if not isinstance(command, dict):
        raise Refused("a command is an object")
    return command


def id_of(command: object) -> int | None:
    number = command.get("id") if isinstance(command, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def check(command: Command) -> None:
    """Raises Refused where the fields that every pool needs are missing."""
    if id_of(command) is None:
        raise Refused("a command has an integer `id`")
    try:
        json.dumps(command, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refused("half a surrogate pair is no text") from None
    op = command.get("op")
    if not isinstance(op, str):
        raise Refused("`op` must be a string")
    if op not in SOCKET_OPS | WORKER_OPS | ADAPTER_OPS:
        raise Refused("unknown op")
    if op in SOCKET_OPS:
        text_of(command, "sock")
    if op in SOCKET_OPS and "arguments" in command:
        if not isinstance(command["arguments"], list):
            raise Refused("`arguments` must be a list")
    elif op == "connect" and command.get("unix") is not None:
        text_of(command, "unix")
    elif op == "connect" and "host" not in command:
        raise Refused("`host` or `unix` must be given")
    elif op == "send":
        bytes_of(command.get("data"))
    elif op == "receive" and not any(is_given(command.get(how)) for how in HOW_TO_RECEIVE):
        raise Refused("`bytes`, `any`, `line` or `all` must be given")
    elif op == "block":
        block_ms(command)
    elif op == "cancel" and id_of({"id": command.get("target")}) is None:
        raise Refused("`target` must be an integer")
    elif op == "batch" and not isinstance(command.get("commands"), list):
        raise Refused("`commands` must be a list of commands")


def is_given(value: object) -> bool:
    return value is not None and value is not False


def text_of(command: Command, name: str) -> str:
    text = command.get(name)
    if not isinstance(text, str):
        raise Refused(f"`{name}` must be a string")
    return text


def block_ms(command: Command) -> float:
    ms = command.get("ms")
    if isinstance(ms, bool) or not isinstance(ms, int | float) or not math.isfinite(ms) or not 0 <= ms <= BLOCK_MS_MAX:
        raise Refused("`ms` must be a number of milliseconds")
    return ms


def bytes_of(data: object) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, dict) and isinstance(data.get("base64"), str):
        with contextlib.suppress(ValueError):  # binascii.Error is one, and so is what is said of a letter beyond ASCII
            return base64.b64decode(data["base64"], validate=True)
    raise Refused('`data` must be a string or {"base64": ...}')


def for_worker(command: Command) -> Command:
    """A checked command as a worker takes it: ids as text, since Lua would round a large number, and all data in base64."""
    sent = {**command, "id": json.dumps(command["id"])}
    if "arguments" in command:
        return sent
    if command["op"] == "send":
        sent["data"] = base64.b64encode(bytes_of(command["data"])).decode()
    elif command["op"] == "connect" and "host" in command:
        sent["host"] = in_brackets(command["host"])
    elif command["op"] == "cancel":
        sent["target"] = json.dumps(command["target"])
    elif command["op"] == "receive":
        how = next(how for how in HOW_TO_RECEIVE if is_given(command.get(how)))
        sent = {name: value for name, value in sent.items() if name not in HOW_TO_RECEIVE or name == how}
    return sent


def in_brackets(host: Any) -> Any:
    """An IPv6 address as this API wants it written; two spellings of one stay two. Everything else goes as it is."""
    try:
        socket.inet_pton(socket.AF_INET6, host)
    except (OSError, TypeError, ValueError):
        return host
    return f"[{host}]"


def answer(reply: Reply) -> Command:
    """What a worker is to say in its turn, though it is known already."""
    return {"op": "answer", **reply, "id": json.dumps(reply["id"])}


def from_worker(line: bytes) -> Reply:
    reply = json.loads(line)
    reply["id"] = json.loads(reply["id"])
    for name in ("data", "partial"):
        if name in reply:
            reply[name] = as_json(base64.b64decode(reply[name]))
    return reply


def as_json(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
