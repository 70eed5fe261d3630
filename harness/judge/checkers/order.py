"""What came before what."""

from itertools import pairwise

from judge.trace import Finding, Mark, Trace
from judge.trace.event import UNORDERED_NS


def check(trace: Trace, *, of: list[Mark]) -> Finding:
    """of: labels or marks whose answers (ends) came in this order. Two of the subject's answers are compared exactly, since
    it wrote them in order; a mark and an answer only where they are more than 1 ms apart."""
    expected = " before ".join(f'"{one}"' for one in of)
    spans = {one: trace.moment(one) for one in of}
    for one, span in spans.items():
        if span is None:
            return Finding(False, expected, f'"{one}" never happened', trace.end_t)
    for one, following in pairwise(of):
        slack = 0 if trace.answer(one) and trace.answer(following) else UNORDERED_NS
        if spans[following].done < spans[one].done - slack:
            return Finding(False, expected, f'"{following}" before "{one}"', spans[following].done, trace.conn_of(following))
    return Finding(True, expected, "so it was")
