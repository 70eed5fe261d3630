"""Bytes that a server has sent → its answers. Pure, and without mercy: what is not framed is told as it came."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

BODY_SHOWN_BYTES = 200


@dataclass(frozen=True)
class Answer:
    """What is compared of one. `length` is None where it means nothing: pages of errors are each server's own, a body that says
    whom it answers is compared as text, and of one that is cut the kernel decides how much has come."""

    status_line: str
    connection: str
    keep_alive: str
    framing: str  # length, chunked, end (of the connection), none
    length: int | None
    body: str  # of a body that says whom it answers, without the connection's number
    whole: bool = True
    bytes: int = field(default=0, compare=False)  # all of it, as it came

    @property
    def interim(self) -> bool:
        """A word before the answer."""
        return " 1" in self.status_line[:10] and " 101" not in self.status_line[:12]

    @property
    def switches(self) -> bool:
        return " 101" in self.status_line[:12]


def parse(data: bytes, ended: bool, method: str) -> Answer | None:
    """The answer at the beginning of `data`, or None where it is still to be completed; once `ended` what there is counts."""
    if not data:
        return None
    if not b"HTTP/".startswith(data[:5]):
        return bare(data) if ended else None
    head, separator, rest = data.partition(b"\r\n\r\n") if len(data) < 1 << 16 else split_head(data)
    if not separator:
        return Answer(head.decode("latin-1"), "", "", "head", None, "", False, len(data)) if ended else None
    status_line, *lines = head.decode("latin-1").split("\r\n")
    fields: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines):
        key = name.lower()
        fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
    framing, body, taken, whole = body_of(status_line, fields, rest, ended, method)
    if not whole and not ended:
        return None
    text = token(body) if is_served(status_line) else ""
    length = len(body) if whole and not text and is_served(status_line) else None
    said = fields.get("connection", ""), fields.get("keep-alive", "")
    return Answer(status_line, *said, framing, length, text, whole, len(head) + 4 + taken)


def split_head(data: bytes) -> tuple[bytes, bytes, bytes]:
    """As partition, for a long body: only its size is of interest, and it is copied once, when it is whole."""
    at = data.find(b"\r\n\r\n", 0, 1 << 16)
    return (data[:at], b"\r\n\r\n", data[at + 4 :]) if at >= 0 else (data, b"", b"")


def bare(data: bytes) -> Answer:
    return Answer("(no status line)", "", "", "end", None, "", True, len(data))


def is_served(status_line: str) -> bool:
    return re.match(r"HTTP/\d\.\d 2", status_line) is not None


def body_of(status_line: str, fields: dict[str, str], rest: bytes, ended: bool, method: str) -> tuple[str, bytes, int, bool]:
    """Framing, body, bytes taken, and whether that is all of it."""
    status = status_line.split(" ")[1] if " " in status_line else ""
    if fields.get("transfer-encoding", "").lower() == "chunked":
        framing = "chunked"
    elif fields.get("content-length", "").isdigit():
        framing = "length"
    else:
        framing = "none" if status in ("204", "304") or status[:1] == "1" else "end"
    if framing == "none" or method == "HEAD" or status in ("204", "304"):
        return framing, b"", 0, True
    if framing == "chunked":
        body, taken = unchunk(rest)
        return framing, body, taken if taken is not None else len(rest), taken is not None
    if framing == "length":
        length = int(fields["content-length"])
        return framing, rest[:length], min(length, len(rest)), len(rest) >= length
    return framing, rest, len(rest), ended


def unchunk(rest: bytes) -> tuple[bytes, int | None]:
    """The body so far, and the bytes that it took: None where its end is missing."""
    body, at = b"", 0
    while (end := rest.find(b"\r\n", at)) >= 0:
        size = int(rest[at:end].split(b";")[0] or b"0", 16)
        if size == 0:
            return body, end + 4 if len(rest) >= end + 4 else None
        body += rest[end + 2 : end + 2 + size]
        at = end + 4 + size
    return body, None


def token(body: bytes) -> str:
    """c17 r3 /ok → r3 /ok: the connection's number is a server's own affair."""
    found = re.fullmatch(rb"c\d+ (r\d+ \S*)\s*", body[:BODY_SHOWN_BYTES])
    return found[1].decode("latin-1") if found else ""


def least_bytes(data: bytearray) -> int:
    """Of an answer that is not whole yet."""
    head_bytes = data.find(b"\r\n\r\n", 0, 1 << 16) + 4
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)\r\n", data[:head_bytes])
    return head_bytes + int(length[1]) if length else 0


class Reader:
    """Takes the stream piece by piece; `methods` are those of the requests, in the order in which they were sent."""

    def __init__(self, methods: Sequence[str]) -> None:
        self.methods = methods  # whoever sends adds to it
        self.data = bytearray()
        self.answered = 0
        self.switched = False
        self.least_bytes = 0  # of the next answer, where its head has said so: it is not looked at before

    def take(self, data: bytes) -> list[Answer]:
        self.data += data
        return self._answers(False)

    def end(self) -> list[Answer]:
        """What is left, answers that are cut included."""
        return self._answers(True)

    def _answers(self, ended: bool) -> list[Answer]:
        found = []
        while not self.switched and (ended or len(self.data) >= self.least_bytes):
            method = self.methods[self.answered] if self.answered < len(self.methods) else "GET"
            answer = parse(bytes(self.data), ended, method)
            if answer is None:
                self.least_bytes = least_bytes(self.data)
                break
            self.least_bytes = 0
            del self.data[: answer.bytes]
            self.answered += not answer.interim
            self.switched = answer.switches
            found.append(answer)
        return found
