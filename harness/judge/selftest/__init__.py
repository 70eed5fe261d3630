"""`test`: the project's own tests, as a run of pytest."""
