"""The contract as a small executable model, and the player that holds the real pool against it: the same random programs on both,
every answer and everything on the wire compared. `python3 -m proof.model --help` runs it for as long as one likes."""
