"""The right pool, as a subject."""

from pool import Pool, main

main(Pool())
