"""Network namespaces of our own, and networks of them: client and server in one of theirs each, and what can happen between them.

    namespace         one of them; held by namespace_agent, a program of its own
    network           some, joined by cables, or by a box that translates addresses
    spec              what a scenario says of its network
    wire              a program that tells what is on the client's cable

Nothing is imported here: the programs are started for each namespace, and shall start fast."""
