"""Did you mean?"""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause to hang on a sentence about an unknown word: `; did you mean "..."?`, or nothing where nothing is near."""
    known = list(known)
    tails = {name.rsplit("/", 1)[-1]: name for name in known}  # "idel" is near "idle/idel-close" too
    match = get_close_matches(word, known, 1) or [tails[tail] for tail in get_close_matches(word, tails, 1)]
    return f'; did you mean "{match[0]}"?' if match else ""
