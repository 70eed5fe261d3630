"""A network of namespaces that have no names: they are gone with the processes in them, whatever becomes of us."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from judge.child import Child
from judge.errors import HarnessError, Skip
from judge.journal import Journal
from judge.network.namespace import NetNamespace, NotAllowed
from judge.network.spec import NetworkSpec
from judge.project import PYTHON

READY_MS = 10_000  # times --timeout-scale
COMMAND_S = 10
CLIENT, SERVER = "10.77.1.2", "10.77.2.2"  # of our own namespaces only
BOX_INSIDE, BOX_OUTSIDE = "10.77.1.1", "10.77.2.1"
PORT_AT_CLIENT, PORT_AT_SERVER = "c0", "s0"
# What happens to a network, by the kinds of network that it can happen to.
EVENTS = {
    "cut": ("pair", "nat"),     # nothing reaches the server any more, and nothing leaves it; nobody is told
    "heal": ("pair", "nat"),    # ... and it does again
    "reboot": ("pair", "nat"),  # the server's host comes up anew under its address, and knows nothing of its connections
    "forget": ("nat",),         # the box forgets all its connections
    "evict": ("nat",),          # the box needs a place, and forgets the connection on which nothing was sent for the longest time
    "refuse": ("pair",),            # what is for the server is answered in its place: by a reset, as a firewall does
    "port_unreachable": ("pair",),  # ... by ICMP: nobody is at that port
    "host_unreachable": ("pair",),  # ... by ICMP, as a router does that cannot reach the host
    "lose_fins": ("pair",),         # the server's FINs are lost, each time that they are sent; all else arrives
    "prohibited": ("pair",),        # ... by ICMP, as a router does that is not allowed to pass it on
}  # fmt: skip
ANSWERS = {
    "refuse": "tcp reset", "port_unreachable": "icmp port-unreachable", "host_unreachable": "icmp host-unreachable",
    "prohibited": "icmp admin-prohibited",
}  # fmt: skip
WIRE_EVENTS = ("probe", "probe_answered", "retransmitted", "reset", "fin", "unreachable")  # that wire.py sees
KEEPALIVE_DEFAULTS = ("tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes")

DROP_ALL = """
table inet poolspec_cut {
    chain in { type filter hook prerouting priority raw; policy drop; }
    chain out { type filter hook output priority raw; policy drop; }
}
"""
LOSE_FINS = """
table inet poolspec_cut {
    chain out { type filter hook output priority raw; tcp flags & fin == fin drop; }
}
"""
ANSWER = """
table inet poolspec_cut {
    chain in { type filter hook input priority filter; ip protocol tcp reject with %s; }
}
"""
MASQUERADE = """
table ip poolspec_nat {
    chain out { type nat hook postrouting priority srcnat; oifname "out0" masquerade random; }
    chain through { type filter hook forward priority filter; %s }
}
"""


class Network:
    """Use as a context: on leaving it, no process and no namespace is left. What is seen on the client's wire goes to the journal
    as events of `wire`. Raises Skip where namespaces are not allowed."""

    def __init__(self, spec: NetworkSpec, journal: Journal, log: Callable[[str], Path], scale: float = 1) -> None:
        self.spec, self.journal, self.log, self.scale = spec, journal, log, scale
        self.stack = ExitStack()

    def __enter__(self) -> Network:
        try:
            self._make()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stack.close()

    @property
    def address(self) -> str:
        """Of the server, without a port."""
        return SERVER

    def happen(self, event: str) -> None:
        """One of EVENTS."""
        if event in ANSWERS:
            _in(self.server, "nft", "-f", "-", text=ANSWER % ANSWERS[event])
        else:
            getattr(self, f"_{event}")()

    # How it is made.

    def _make(self) -> None:
        try:
            self.client = self._namespace("client", self._client_settings())
            self.server = self._namespace("server")
            if self.spec.kind == "nat":
                self.box = self._namespace("box", self._box_settings())
        except NotAllowed as err:
            raise Skip(str(err)) from None
        try:
            self._join() if self.spec.kind == "pair" else self._join_by_box()
            defaults = _in(self.client, "cat", *(f"/proc/sys/net/ipv4/{name}" for name in KEEPALIVE_DEFAULTS)).split()
        except HarnessError as err:
            raise Skip(f"no network of our own: {err}") from None
        self.journal.note("network", did="made", kind=self.spec.kind, **dict(zip(KEEPALIVE_DEFAULTS, map(int, defaults), strict=True)))
        self._listen()

    def _namespace(self, name: str, settings: dict[str, str] | None = None) -> NetNamespace:
        beside = getattr(self, "client", None)
        return self.stack.enter_context(NetNamespace(self.log(f"network-{name}"), settings, scale=self.scale, beside=beside))

    def _client_settings(self) -> dict[str, str]:
        retries = self.spec.syn_retries
        return {} if retries is None else {"net/ipv4/tcp_syn_retries": str(retries)}

    def _box_settings(self) -> dict[str, str]:
        settings = {"net/ipv4/ip_forward": "1"}
        if self.spec.forgets == "silent":
            settings["net/netfilter/nf_conntrack_tcp_loose"] = "0"
        if self.spec.entry_s is not None:
            settings["net/netfilter/nf_conntrack_tcp_timeout_established"] = str(self.spec.entry_s)
        return settings

    def _join(self) -> None:
        """One network with both addresses in it."""
        _cable(self.client, PORT_AT_CLIENT, f"{CLIENT}/8", self.server, PORT_AT_SERVER, f"{SERVER}/8")

    def _join_by_box(self) -> None:
        _cable(self.client, PORT_AT_CLIENT, f"{CLIENT}/24", self.box, "in0", f"{BOX_INSIDE}/24")
        _cable(self.box, "out0", f"{BOX_OUTSIDE}/24", self.server, PORT_AT_SERVER, f"{SERVER}/24")
        _in(self.client, "ip", "route", "add", "default", "via", BOX_INSIDE)
        _in(self.box, "nft", "-f", "-", text=MASQUERADE % ("ct state invalid drop;" if self.spec.forgets == "silent" else ""))

    def _listen(self) -> None:
        """Starts to note what is on the wire at the client."""
        ready: list[dict[str, Any]] = []

        def line(found: dict[str, Any], t: int) -> None:
            if "ev" in found:
                self.journal.add({"who": "wire", **found})
            else:
                ready.append(found)
                self.journal.wake()

        argv = self.client.within([PYTHON, "-m", "judge.network.wire", PORT_AT_CLIENT, CLIENT])
        self.wire = Child(argv, self.log("wire"), line, self.journal.wake)
        self.stack.callback(self.wire.finish, 5)
        self.stack.callback(self.wire.kill)
        self.journal.wait(lambda: ready or self.wire.trouble, READY_MS * self.scale)
        if not ready:
            raise Skip(f"the wire cannot be watched: {self.wire.obituary()}")

    # What happens to it.

    def _cut(self) -> None:
        _in(self.server, "nft", "-f", "-", text=DROP_ALL)

    def _lose_fins(self) -> None:
        _in(self.server, "nft", "-f", "-", text=LOSE_FINS)

    def _heal(self) -> None:
        _in(self.server, "nft", "delete", "table", "inet", "poolspec_cut")

    def _reboot(self) -> None:
        """The cable goes into a host that has the address and nothing else; the old one is left alone with its connections."""
        reborn = self._namespace("reborn")
        prefix = "8" if self.spec.kind == "pair" else "24"
        _in(self.server, "ip", "link", "set", PORT_AT_SERVER, "netns", str(reborn.child.process.pid))
        _ip(reborn, [f"addr add {SERVER}/{prefix} dev {PORT_AT_SERVER}", f"link set {PORT_AT_SERVER} up"])

    def _forget(self) -> None:
        _in(self.box, "conntrack", "-F")

    def _evict(self) -> None:
        """Each packet sets an entry's remaining time anew: the least is left to the one that was quiet for the longest time."""
        entries = [line.split() for line in _in(self.box, "conntrack", "-L", "-p", "tcp", "--state", "ESTABLISHED").splitlines()]
        if not entries:
            raise HarnessError("the box knows no connection that it could forget")
        oldest = min(entries, key=lambda words: int(words[2]))
        port = next(word.removeprefix("sport=") for word in oldest if word.startswith("sport="))
        _in(self.box, "conntrack", "-D", "-p", "tcp", "--orig-src", CLIENT, "--sport", port)


def _cable(one: NetNamespace, name: str, address: str, other: NetNamespace, its_name: str, its_address: str) -> None:
    pid = other.child.process.pid
    _ip(one, [f"link add {name} type veth peer name {its_name} netns {pid}", f"addr add {address} dev {name}", f"link set {name} up"])
    _ip(other, [f"addr add {its_address} dev {its_name}", f"link set {its_name} up"])


def _ip(where: NetNamespace, lines: Iterable[str]) -> None:
    _in(where, "ip", "-batch", "-", text="\n".join(lines) + "\n")


def _in(where: NetNamespace, *command: str, text: str = "") -> str:
    """Runs a command to its end. What it printed."""
    try:
        ran = subprocess.run(
            where.within(command), input=text, capture_output=True, text=True, check=False, timeout=COMMAND_S, process_group=0,
        )
    except subprocess.TimeoutExpired:
        raise HarnessError(f"{command[0]} does not end within {COMMAND_S} s") from None
    if ran.returncode:
        raise HarnessError(f"{' '.join(command[:3])}: {ran.stderr.strip() or f'exit status {ran.returncode}'}")
    return ran.stdout
