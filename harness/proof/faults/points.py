"""Where a session can be made to fail, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterator

ERRORS = {  # what each call may plausibly say; lib.: where libev or c-ares makes it
    "socket": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EACCES", "EAFNOSUPPORT"],
    "connect": ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "EADDRNOTAVAIL", "EACCES", "EAGAIN", "EINTR"],
    "recv": ["ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOMEM", "EINTR", "EAGAIN", "eof"],
    "send": ["EPIPE", "ECONNRESET", "ENOBUFS", "ENOMEM", "ETIMEDOUT", "EINTR", "EAGAIN"],
    "setsockopt": ["ENOBUFS", "ENOMEM", "EINVAL"],
    "getsockopt": ["ENOBUFS", "ENOMEM"],
    "getsockname": ["ENOBUFS", "ENOMEM"],
    "close": ["EINTR", "EIO"],
    "shutdown": ["ENOTCONN"],
    "read": ["EINTR", "EAGAIN"],
    "write": ["EINTR", "EAGAIN"],
    "socketpair": ["EMFILE", "ENFILE", "ENOMEM"],
    "fork": ["ENOMEM"],
    "waitpid": ["EINTR"],
    "timerfd_create": ["EMFILE", "ENFILE", "ENOMEM"],
    "mmap": ["ENOMEM"],
    "lib.socket": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EACCES", "EAFNOSUPPORT"],
    "lib.connect": ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"],
    "lib.recv": ["ECONNREFUSED", "EHOSTUNREACH", "ENOMEM", "EINTR", "EAGAIN"],
    "lib.send": ["ECONNREFUSED", "ENETUNREACH", "ENOBUFS", "EINTR", "EAGAIN"],
    "lib.setsockopt": ["ENOBUFS", "ENOMEM"],
    "lib.fcntl": ["EINVAL"],
    "lib.close": ["EINTR", "EIO"],
    "lib.eventfd": ["EMFILE", "ENFILE", "ENOMEM"],
    "lib.epoll_create1": ["EMFILE", "ENFILE", "ENOMEM"],
    "lib.epoll_ctl": ["ENOMEM", "ENOSPC"],
    "lib.epoll_wait": ["EINTR"],
}
UNTOLD = "lib.epoll_ctl"  # libev tells of a watch that failed only when something else wakes it: not from then on in the middle
PASSING = {"EINTR", "EAGAIN"}  # whoever tries again gets on: never from then on
MEMORY = ["memory.pool", "memory.host", "memory.json", "memory.names"]
TRY_AGAIN = ",".join(f"{site}:*:EINTR" for site in ("recv", "send", "read", "write", "close", "waitpid", "lib.epoll_wait"))
EVERYWHERE = [TRY_AGAIN, "write:*:EAGAIN,poll:*:EINTR", "recv:1+:short", "send:1+:short", "read:1+:short,write:1+:short",
              "recv:1+:short,send:1+:short,read:1+:short,write:1+:short"]
DESCRIPTORS = [f"nofile:{n}" for n in range(3, 14)]
NOT_FOR = {  # what a fault begins with, and the sessions that it says nothing about
    "nofile": ["load"],  # it raises the limit
    "read:1+:short": ["load", "timeouts"],  # reads a timer only; has millions of bytes to read
    "recv:1+:short,send:1+:short,read": ["load", "timeouts"],
    "send:1+:short": ["timeouts"],  # has millions to write
    "lib.epoll_ctl": ["workers"],  # between the processes, which is not the pool
}
SAMPLES = 12  # of a site in a session, where not each is taken


def not_understood(fault: str) -> str | None:
    """What is wrong with a plan that somebody wrote, as a sentence."""
    for part in fault.split(","):
        site, _, rest = part.partition(":")
        if site not in (*ERRORS, *MEMORY, "poll", "nofile"):
            return f'"{site}" is no site; the sites are {", ".join((*MEMORY, *ERRORS))}, nofile'
        if not re.fullmatch(r"(\d+\+?|\*)(:(E[A-Z]+|short|eof))?", rest):
            how = "behind the site comes when (7, 7+ or *) and what (an errno, short or eof), as in recv:7+:ECONNRESET"
            return f'"{part}" is no plan: {how}'
    return None


def is_to_be_unseen(fault: str) -> bool:
    """Interrupted, not ready yet, or only one byte at a time: whoever tries again gets on, and nobody above must notice. Where an idle
    connection is looked at, EAGAIN of recv is news: nothing has happened to it."""
    return all(re.fullmatch(r"(recv|send|read|write|poll|close|waitpid|lib\.epoll_wait):[^:]+:(EINTR|EAGAIN|short)", part)
               and not re.fullmatch(r"recv:[^:]+:EAGAIN", part) for part in fault.split(","))


def comes_once(fault: str) -> bool:
    return ":" in fault and "+" not in fault and "*" not in fault and not fault.startswith("nofile")


def every_nth(passes: int, first: int, full: bool) -> range:
    return range(first, passes + 1, 1 if full else max(1, passes // SAMPLES))


def memory_points(passes: dict[str, int], full: bool) -> Iterator[str]:
    for site in MEMORY:
        for index, n in enumerate(every_nth(passes[site], 1, full)):
            yield f"{site}:{n}"
            if full or index % 3 == 0:
                yield f"{site}:{n}+"


def call_points(passes: dict[str, int], full: bool) -> Iterator[str]:
    for site, errors in ERRORS.items():
        first = 2 if site == UNTOLD else 1  # the first is the program's own input, which it cannot live without
        for index, n in enumerate(every_nth(passes[site], first, full)):
            for error in errors if full else [errors[index % len(errors)]]:
                yield f"{site}:{n}:{error}"
                if error not in PASSING and (n == first or (full and site != UNTOLD)):
                    yield f"{site}:{n}+:{error}"


def points(session: str, passes: dict[str, int], full: bool) -> Iterator[str]:
    """The plans for a session, from how often it passed each site when nothing failed. Without `full` a sample: places all along,
    the error changing from place to place."""
    for fault in (*memory_points(passes, full), *call_points(passes, full), *EVERYWHERE, *DESCRIPTORS):
        if not any(session in sessions and fault.startswith(begin) for begin, sessions in NOT_FOR.items()):
            yield fault
