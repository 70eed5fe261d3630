"""One exchange at the level that the subject has: connect, GET, the whole response, setkeepalive; or one whole request.

It reads exactly the response, head line by line and then as many bytes as were announced: what follows stays where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., dict[str, Any]]  # (op, part of the label, **fields) → the reply


class Failed(Exception):
    """A command of the exchange was answered with an error."""

    def __init__(self, phase: str, err: str) -> None:
        super().__init__(phase, err)
        self.phase, self.err = phase, err


def over_sockets(ask: Ask, fields: dict[str, Any], address: dict[str, Any], request: str, token: str) -> dict[str, Any]:
    """What the exchange came to: status, body, reused. A failure is told by ok, phase and err."""
    sock = fields["sock"]
    found: dict[str, Any] = {}
    try:
        if fields["connect"]:
            more = {key: fields[key] for key in ("options", "worker") if fields[key] is not None}
            found["reused"] = need(ask("connect", sock=sock, **address, **more), "connect").get("reused")
        need(ask("send", sock=sock, data=request, token=token), "send")
        found |= read_response(ask, sock)
        if fields["keep"]:
            back = {key: fields[key] for key in ("timeout_ms", "size") if key in fields}
            need(ask("setkeepalive", sock=sock, **back), "setkeepalive")
    except Failed as failed:
        return found | {"ok": False, "phase": failed.phase, "err": failed.err}
    return found | {"ok": True}


def read_response(ask: Ask, sock: str) -> dict[str, Any]:
    status_line = received(ask, sock=sock, line=True)
    parts = status_line.split()
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
        raise Failed("receive", f"no status line: {status_line!r}")
    length = None
    while line := received(ask, sock=sock, line=True):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length":
            length = value.strip()
    if length is None:
        body = received(ask, sock=sock, all=True)
    elif length.isdigit():
        body = received(ask, sock=sock, bytes=int(length)) if int(length) else ""
    else:
        raise Failed("receive", f"no content length: {length!r}")
    return {"status": int(parts[1]), "body": body}


def received(ask: Ask, **how: Any) -> str:
    """Text; what is not UTF-8 (the protocol's base64) is shown as it came."""
    return str(need(ask("receive", **how), "receive").get("data", ""))


def from_request(reply: dict[str, Any]) -> dict[str, Any]:
    known = {key: reply[key] for key in ("status", "body", "reused") if key in reply}
    return known | ({"ok": True} if reply["ok"] else {"ok": False, "phase": "request", "err": reply.get("err")})


def need(reply: dict[str, Any], phase: str) -> dict[str, Any]:
    if not reply["ok"]:
        raise Failed(phase, reply.get("err") or "")
    return reply
