"""Networks of a scenario's own: client and server in network namespaces of theirs, and what can happen between them."""

from judge.network.network import EVENTS, WIRE_EVENTS, Network
from judge.network.spec import FORGETS, KINDS, NetworkSpec, read_network

__all__ = ["EVENTS", "FORGETS", "KINDS", "WIRE_EVENTS", "Network", "NetworkSpec", "read_network"]
